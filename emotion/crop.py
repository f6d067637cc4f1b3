"""Cutting a face out the way FER-2013 frames its faces, and making its greys fit to read.

Frame and greys are decided by ``benchmarks/emotion_preprocessing.py``, which says for each choice
what it was decided on; README of the benchmarks sums it up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.types import CropRegion, Face, Landmarks

CROP_SIDE_PX = 48
CROP_MARGIN = 0.05
"""What a box is grown by, as a share of its side, half of it on each side. Haar's boxes measure
0.96 of FER-2013's frames, MTCNN's (the root of their area) 0.93."""
LEVEL_FROM_DEGREES = 15.0
"""Degrees. The network reads a head that leans less as well as one that stands, and FER-2013
shows it many; levelling it by eyes that are known to some eight degrees costs most of a point."""
BEYOND_EARS = 0.25
"""By how much the nose lies beyond the ears of a face that is turned away, as a fraction of their
distance. A profile has more; at three quarters it is up to 0.2."""
BEYOND_EYES = 0.3
"""The same beyond the eyes, for detectors that know no ears."""
FLAT_BELOW = 8
"""A crop whose brightest and darkest grey differ by less shows nothing, and stays as it is."""
DENOISE_ABOVE = 8.0
"""Deviation of the noise, in greys of a stretched crop, from which it is taken out. One face in a
hundred of FER-2013 is as noisy as that; below it the network reads the crop better as it is."""
SHARPEN_BELOW = 0.55
"""Sharpness (`measure_sharpness`) below which a crop is sharpened. 99 of 100 faces of FER-2013 are
sharper; blurred by one pixel, none is."""
SHARPENING = 14.0
"""What is added of the finest detail, as a multiple of it, for each 1 below `SHARPEN_BELOW`."""
SHARPENING_AT_MOST = 3.0

_LAPLACIANS = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
_MEDIAN_OF_NOISE = 6 * 0.6745
"""Median size of what `_LAPLACIANS` makes of Gaussian noise with deviation 1: 6 is the root of
the sum of its squares, 0.6745 the median size of a normal value."""


def crop_region(
    face: Face, *, margin: float = CROP_MARGIN, level_from: float = LEVEL_FROM_DEGREES
) -> CropRegion:
    """Return the square that is shown to the network for ``face``.

    Args:
        face: as detected.
        margin: what the frame is grown by, as a share of its side.
        level_from: degrees from which leaning eyes are levelled, where they are known.
    """
    if face.region:
        known = face.region
        angle = known.angle if abs(known.angle) >= level_from else 0.0
        return CropRegion(known.x, known.y, known.side * (1 + margin), angle)
    box = face.box
    angle = -float(face.rotation)
    if face.landmarks:
        lean = _lean(face.landmarks)
        angle = lean if abs(lean) >= level_from else 0.0
    side = max(box.width, box.height) if face.landmarks is None else _side(face)
    return CropRegion(box.x + box.width / 2, box.y + box.height / 2, side * (1 + margin), angle)


def turned_away(face: Face) -> bool:
    """Return whether a face is turned away too far to be read, as far as its landmarks tell."""
    points = face.landmarks
    if points is None:
        return False
    beyond = BEYOND_EARS if points.left_ear and points.right_ear else BEYOND_EYES
    return nose_offset(face) >= 0.5 + beyond


def nose_offset(face: Face) -> float:
    """Return how far to one side the nose of a face lies.

    Seen from the front it lies midway between the ears, 0. The further the head turns, the nearer
    it comes to one of them, 0.5, and then it lies beyond. Where ears are not known it is measured
    between the eyes; without landmarks it is 0.
    """
    points = face.landmarks
    if points is None:
        return 0.0
    left, right = points.left_eye, points.right_eye
    across = math.radians(_lean(points))
    if points.left_ear and points.right_ear:
        left, right = points.left_ear, points.right_ear
    cosine, sine = math.cos(across), math.sin(across)
    wide = (right[0] - left[0]) * cosine + (right[1] - left[1]) * sine
    if wide <= 0:
        return math.inf
    nose = (points.nose[0] - left[0]) * cosine + (points.nose[1] - left[1]) * sine
    return abs(nose / wide - 0.5)


def crop_faces(
    image: NDArray[np.uint8],
    faces: Sequence[Face],
    *,
    margin: float = CROP_MARGIN,
    level_from: float = LEVEL_FROM_DEGREES,
    preprocessed: bool = True,
) -> NDArray[np.uint8]:
    """Return grey uint8 ``(N, 48, 48)`` crops of the faces in RGB uint8 ``(H, W, 3)``.

    Where a frame reaches over the picture's edge, the edge is repeated.

    Args:
        image: the picture in which the faces were found.
        faces: where they are.
        margin: what a frame is grown by, as a share of its side.
        level_from: degrees from which leaning eyes are levelled, where they are known.
        preprocessed: whether to make the greys fit to read (`preprocess`).
    """
    crops = np.empty((len(faces), CROP_SIDE_PX, CROP_SIDE_PX), dtype=np.uint8)
    if len(faces):
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.uint8, copy=False)
        for crop, face in zip(crops, faces, strict=True):
            small = extract_crop(grey, crop_region(face, margin=margin, level_from=level_from))
            crop[:] = preprocess(small) if preprocessed else small
    return crops


def preprocess(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey uint8 ``(H, W)`` crop as the network reads it best.

    Its greys are stretched to 0-255. Where they are grainy then, as a camera's are in the dark,
    the grain is taken out; where they are soft, as of a face that is small or out of focus, the
    finest detail is brought out.
    """
    spread = stretch_contrast(crop)
    noise = estimate_noise(spread)
    if noise >= DENOISE_ABOVE:
        return stretch_contrast(_denoised(spread, noise))
    return _sharpened(spread, measure_sharpness(spread))


def estimate_noise(crop: NDArray[np.uint8]) -> float:
    """Return the standard deviation of the noise in a grey uint8 ``(H, W)`` crop, in greys.

    The difference of two Laplacians is blind to everything that changes evenly, and what is left
    of a face in it is little beside noise (Immerkær 1996, "Fast Noise Variance Estimation"). The
    median holds out against eyes and mouth, where the mean does not.
    """
    rest = cv2.filter2D(crop.astype(np.float32), -1, _LAPLACIANS)[1:-1, 1:-1]
    return float(np.median(np.abs(rest))) / _MEDIAN_OF_NOISE


def stretch_contrast(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey uint8 crop with its darkest pixel at 0 and its brightest at 255."""
    low, high = int(crop.min()), int(crop.max())
    if high - low < FLAT_BELOW:
        return crop
    spread: NDArray[np.float32] = (crop.astype(np.float32) - low) * (255 / (high - low))
    return np.rint(spread).astype(np.uint8)


def extract_crop(
    grey: NDArray[np.uint8], frame: CropRegion, *, size: int = CROP_SIDE_PX
) -> NDArray[np.uint8]:
    """Return what ``frame`` shows of a grey picture, ``(size, size)``, upright."""
    # Drawn at twice the size and averaged down: sampling alone would skip pixels of a large
    # face. What is larger still is averaged down before it is turned. Cubic, since a small face
    # drawn bilinearly comes out softer than any that the network has learned from.
    canvas = 2 * size
    shrink = min(1.0, canvas / frame.side)
    if shrink < 1:
        grey, frame = _shrunk(grey, frame, shrink)
    cosine = math.cos(math.radians(frame.angle)) * frame.side / canvas
    sine = math.sin(math.radians(frame.angle)) * frame.side / canvas
    middle = (canvas - 1) / 2
    to_picture = np.array(
        [
            [cosine, -sine, frame.x - 0.5 - middle * (cosine - sine)],
            [sine, cosine, frame.y - 0.5 - middle * (sine + cosine)],
        ]
    )
    drawn = cv2.warpAffine(
        grey,
        to_picture,
        (canvas, canvas),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA).astype(
        np.uint8, copy=False
    )


def measure_sharpness(crop: NDArray[np.uint8]) -> float:
    """Return how strong the finest detail of a grey uint8 ``(H, W)`` crop is, beside coarser.

    That is the standard deviation of what a Gaussian of 0.8 pixels takes away, as a share of that
    of what one of 2 pixels takes away from the rest: 0.8 in the middle of FER-2013's faces, 0.4
    when they are blurred by one pixel. 1 where there is no detail at all.
    """
    greys = crop.astype(np.float32)
    fine = cv2.GaussianBlur(greys, (0, 0), 0.8)
    coarse = float((fine - cv2.GaussianBlur(greys, (0, 0), 2.0)).std())
    return float((greys - fine).std()) / coarse if coarse else 1.0


def _denoised(crop: NDArray[np.uint8], noise: float) -> NDArray[np.uint8]:
    """Return the crop smoothed where greys differ by little more than ``noise``."""
    smooth = cv2.bilateralFilter(crop, d=7, sigmaColor=2.5 * noise, sigmaSpace=1.5)
    return smooth.astype(np.uint8, copy=False)


def _sharpened(crop: NDArray[np.uint8], sharpness: float) -> NDArray[np.uint8]:
    """Return the crop with its finest detail brought out, the more the softer it is."""
    amount = min(SHARPENING * (SHARPEN_BELOW - sharpness), SHARPENING_AT_MOST)
    if amount <= 0:
        return crop
    greys = crop.astype(np.float32)
    clear = greys + amount * (greys - cv2.GaussianBlur(greys, (0, 0), 1.0))
    return np.clip(np.rint(clear), 0, 255).astype(np.uint8)


def _shrunk(
    grey: NDArray[np.uint8], frame: CropRegion, shrink: float
) -> tuple[NDArray[np.uint8], CropRegion]:
    """Return the part of the picture about ``frame``, smaller, and the frame in it."""
    height, width = grey.shape
    reach = frame.side * 0.75  # half the diagonal of a leaning square, and a little
    left, top = (max(0, math.floor(v - reach)) for v in (frame.x, frame.y))
    right = min(width, math.ceil(frame.x + reach))
    bottom = min(height, math.ceil(frame.y + reach))
    part = grey[top:bottom, left:right]
    size = max(1, round(part.shape[1] * shrink)), max(1, round(part.shape[0] * shrink))
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    across, down = size[0] / part.shape[1], size[1] / part.shape[0]
    return small, CropRegion(
        (frame.x - left) * across,
        (frame.y - top) * down,
        frame.side * (across + down) / 2,
        frame.angle,
    )


def _lean(points: Landmarks) -> float:
    """Return by how many degrees the line of the eyes leans clockwise."""
    (x1, y1), (x2, y2) = points.left_eye, points.right_eye
    return math.degrees(math.atan2(y2 - y1, x2 - x1))


def _side(face: Face) -> float:
    """Return the side of the square that Haar would have drawn about an MTCNN face."""
    return math.sqrt(face.box.width * face.box.height)
