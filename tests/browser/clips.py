"""Clips for a fake camera, made of the astronaut that scikit-image ships (NASA, public domain)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from skimage import data

WIDTH, HEIGHT, RATE = 640, 480, 30
FACE = (177, 66, 97)
"""x, y and side of the astronaut's face in the picture as it ships."""

Picture = NDArray[np.uint8]


def astronaut() -> Picture:
    """Return the astronaut, 480 pixels high, on a ground of 640 x 480; smiling."""
    return on_ground(data.astronaut())


def without_smile() -> Picture:
    """Return the astronaut as she ships, with skin where her mouth smiles."""
    picture = data.astronaut().copy()
    x, y, side = FACE
    smile = np.zeros(picture.shape[:2], np.uint8)
    reach = (round(0.27 * side), round(0.15 * side))
    cv2.ellipse(smile, (x + side // 2, y + round(0.78 * side)), reach, 0, 0, 360, 255, -1)
    return cv2.inpaint(picture, smile, 9, cv2.INPAINT_TELEA).astype(np.uint8)


def startled() -> Picture:
    """Return the same with another expression: mouth open, brows up, eyes wide."""
    picture = without_smile()
    x, y, side = FACE
    centre = x + side // 2
    mouth = np.zeros(picture.shape[:2], np.float32)
    reach = (round(0.13 * side), round(0.18 * side))
    cv2.ellipse(mouth, (centre, y + round(0.82 * side)), reach, 0, 0, 360, 1.0, -1)
    mouth = cv2.GaussianBlur(mouth, (0, 0), 1.5)[..., np.newaxis]
    picture = (picture * (1 - mouth) + np.array([70, 25, 30]) * mouth).astype(np.uint8)

    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]].astype(np.float32)
    across, down = (columns - x) / side, (rows - y) / side
    brows = np.exp(-(((down - 0.22) / 0.1) ** 2) - ((across - 0.5) / 0.38) ** 4)
    eyes = np.exp(-(((down - 0.4) / 0.1) ** 2) - ((across - 0.5) / 0.36) ** 4)
    rows += side * (0.06 * brows - 0.3 * (down - 0.4) * eyes)
    return on_ground(cv2.remap(picture, columns, rows, cv2.INTER_LINEAR).astype(np.uint8))


def half_smiling() -> Picture:
    """Return the same with a closed, straight mouth, and eyes that smile still."""
    picture = without_smile()
    x, y, side = FACE
    centre = x + side // 2
    mouth = np.zeros(picture.shape[:2], np.float32)
    reach = (round(0.15 * side), round(0.02 * side))
    cv2.ellipse(mouth, (centre, y + round(0.79 * side)), reach, 0, 0, 360, 0.8, -1)
    mouth = cv2.GaussianBlur(mouth, (0, 0), 1.2)[..., np.newaxis]
    picture = (picture * (1 - mouth) + np.array([110, 50, 50]) * mouth).astype(np.uint8)
    return on_ground(picture)


def on_ground(picture: Picture) -> Picture:
    """Return a square picture, 480 pixels high, on its own blurred ground of 640 x 480."""
    ground = cv2.resize(picture, (WIDTH, WIDTH))[80 : 80 + HEIGHT]
    ground = cv2.GaussianBlur(ground, (0, 0), 25)
    left = (WIDTH - HEIGHT) // 2
    ground[:, left : left + HEIGHT] = cv2.resize(
        picture, (HEIGHT, HEIGHT), interpolation=cv2.INTER_AREA
    )
    return ground.astype(np.uint8)


def moved(picture: Picture, seconds: float) -> Picture:
    """Return the picture as a hand would hold it: swaying, nodding, a little nearer and farther."""
    height, width = picture.shape[:2]
    turn = 2.0 * math.sin(seconds * 1.1)
    scale = 1.06 + 0.04 * math.sin(seconds * 0.8)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 3), turn, scale)
    matrix[0, 2] += 14 * math.sin(seconds * 1.7)
    matrix[1, 2] += 6 * math.sin(seconds * 2.3) + 6
    return cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT).astype(
        np.uint8
    )


def smiling(seconds: float, rate: int = RATE) -> Iterator[Picture]:
    """Yield the astronaut, moving about and smiling."""
    picture = astronaut()
    for number in range(round(seconds * rate)):
        yield moved(picture, number / rate)


def changing(seconds: float, rate: int = RATE, *, every: float = 4.0) -> Iterator[Picture]:
    """Yield the astronaut smiling, startled, smiling … for some seconds each, moving about."""
    faces = (astronaut(), startled())
    for number in range(round(seconds * rate)):
        time = number / rate
        yield moved(faces[int(time / every) % 2], time)


def resting(seconds: float, rate: int = RATE) -> Iterator[Picture]:
    """Yield the astronaut with a closed mouth, moving about: a rest that is read as happy."""
    picture = half_smiling()
    for number in range(round(seconds * rate)):
        yield moved(picture, number / rate)


def nobody(seconds: float, rate: int = RATE) -> Iterator[Picture]:
    """Yield a cup of coffee: no face, and nothing like the astronaut's colours."""
    picture = cv2.resize(data.coffee(), (WIDTH, HEIGHT)).astype(np.uint8)
    for number in range(round(seconds * rate)):
        yield moved(picture, number / rate)


def still(
    picture: Picture, seconds: float, rate: int = RATE, *, seed: int = 0
) -> Iterator[Picture]:
    """Yield a picture that nobody moves, with the noise of a camera."""
    noise = np.random.default_rng(seed)
    for _ in range(round(seconds * rate)):
        grain = noise.normal(0, 4, picture.shape)
        yield np.clip(picture + grain, 0, 255).astype(np.uint8)


def write(path: Path, frames: Iterator[Picture], rate: int = RATE) -> Path:
    """Write frames as the file that Chromium takes for a camera.

    Args:
        path: its ending decides: ``.mjpeg`` is small and always played at 30 frames a second,
            ``.y4m`` is played at its own rate.
        frames: RGB uint8 ``(480, 640, 3)``.
        rate: frames a second.
    """
    if path.suffix == ".y4m":
        with path.open("wb") as film:
            film.write(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{rate}:1 Ip A1:1 C420jpeg\n".encode())
            for frame in frames:
                film.write(b"FRAME\n" + cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes())
        return path
    with av.open(str(path), "w", format="mjpeg") as film:
        stream = film.add_stream("mjpeg", rate=rate, options={"qmin": "3", "qmax": "3"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuvj420p"
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        film.mux(stream.encode())
    return path


def write_stills(path: Path, *parts: tuple[Picture, float], rate: int = RATE) -> Path:
    """Write pictures, each for some seconds without noise, as a file like that of `write`.

    Args:
        path: ends with ``.mjpeg``.
        parts: RGB uint8 pictures of one size, each with its seconds.
        rate: frames a second.
    """
    with path.open("wb") as film:
        for picture, seconds in parts:
            _, frame = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
            film.write(frame.tobytes() * round(seconds * rate))
    return path
