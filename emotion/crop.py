"""Extracting a face's crop the way FER-2013 frames its faces, and preprocessing it.

Framing and preprocessing were chosen with ``benchmarks/emotion_preprocessing.py``, which states
the evidence for each choice; the benchmarks' README sums it up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from emotion.image.resize import scaled_size
from emotion.types import CropRegion, Face, Landmarks

CROP_SIDE_PX = 48
CROP_MARGIN = 0.05
"""How much a box is enlarged, as a fraction of its side, half of it on each side. Haar's boxes
measure 0.96 of FER-2013's crops, MTCNN's (the root of their area) 0.93."""
LEVEL_FROM_DEGREES = 15.0
"""A face that leans by at least this is levelled. The network reads one that leans less as well as
an upright one: FER-2013 has many of them. Levelling those by the eyes, which give the angle to
within some eight degrees, costs almost a percentage point."""
TURNED_AWAY_BEYOND_EARS = 0.25
"""A face is turned away when its nose lies this far beyond its ears, as a fraction of their
distance. A profile has more; a three-quarter view up to 0.2."""
TURNED_AWAY_BEYOND_EYES = 0.3
"""The same beyond the eyes, for detectors without ear landmarks."""
MIN_CONTRAST = 8
"""A crop whose brightest and darkest intensities differ by less is blank and not stretched."""
DENOISE_ABOVE = 8.0
"""Least standard deviation of the noise, in intensities after contrast stretching, at which a crop
is denoised. One in a hundred faces of FER-2013 is that noisy; the network reads a cleaner crop
better as it is."""
SHARPEN_BELOW = 0.55
"""Sharpness (`measure_sharpness`) below which a crop is sharpened. 99 of 100 faces of FER-2013 are
sharper; blurred by one pixel, none is."""
SHARPENING_GAIN = 14.0
"""How much of the finest detail is added, as a multiple of it, per unit of sharpness below
`SHARPEN_BELOW`."""
MAX_SHARPENING = 3.0

_LAPLACIAN_DIFFERENCE = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], dtype=np.float32)
_MEDIAN_LAPLACIAN_OF_NOISE = 6 * 0.6745
"""Median magnitude of `_LAPLACIAN_DIFFERENCE` on Gaussian noise with standard deviation 1: 6 is the
root of the sum of its squares, 0.6745 the median magnitude of a standard normal value."""


def crop_region(
    face: Face, *, margin: float = CROP_MARGIN, level_from: float = LEVEL_FROM_DEGREES
) -> CropRegion:
    """Return the square of the image that the network reads for ``face``.

    Args:
        face: as detected.
        margin: how much it is enlarged, as a fraction of its side.
        level_from: least lean, in degrees, at which the eyes are levelled, where they are known.
    """
    if face.region:
        known = face.region
        angle = known.angle if abs(known.angle) >= level_from else 0.0
        return CropRegion(known.x, known.y, known.side * (1 + margin), angle)
    box = face.box
    angle = -float(face.rotation)
    if face.landmarks:
        lean = _eye_line_degrees(face.landmarks)
        angle = lean if abs(lean) >= level_from else 0.0
    side = max(box.width, box.height) if face.landmarks is None else _mtcnn_side(face)
    return CropRegion(box.x + box.width / 2, box.y + box.height / 2, side * (1 + margin), angle)


def turned_away(face: Face) -> bool:
    """Return whether a face is turned away too far to be read, as far as its landmarks tell."""
    points = face.landmarks
    if points is None:
        return False
    beyond = (
        TURNED_AWAY_BEYOND_EARS if points.left_ear and points.right_ear else TURNED_AWAY_BEYOND_EYES
    )
    return nose_offset(face) >= 0.5 + beyond


def nose_offset(face: Face) -> float:
    """Return how far to one side the nose of a face lies.

    0 is midway between the ears, as seen from the front, 0.5 level with one of them, and more
    beyond it. Without ears it is measured between the eyes; without landmarks it is 0.
    """
    points = face.landmarks
    if points is None:
        return 0.0
    left, right = points.left_eye, points.right_eye
    across = math.radians(_eye_line_degrees(points))
    if points.left_ear and points.right_ear:
        left, right = points.left_ear, points.right_ear
    cosine, sine = math.cos(across), math.sin(across)
    distance = (right[0] - left[0]) * cosine + (right[1] - left[1]) * sine
    if distance <= 0:
        return math.inf
    nose = (points.nose[0] - left[0]) * cosine + (points.nose[1] - left[1]) * sine
    return abs(nose / distance - 0.5)


def crop_faces(
    image: NDArray[np.uint8],
    faces: Sequence[Face],
    *,
    margin: float = CROP_MARGIN,
    level_from: float = LEVEL_FROM_DEGREES,
    preprocessed: bool = True,
) -> NDArray[np.uint8]:
    """Return grey uint8 ``(N, 48, 48)`` crops of the faces in RGB uint8 ``(H, W, 3)``.

    Where a crop reaches beyond the image's edge, the edge is repeated.

    Args:
        image: the image in which the faces were found.
        faces: where they are.
        margin: how much a region is enlarged, as a fraction of its side.
        level_from: least lean, in degrees, at which the eyes are levelled, where they are known.
        preprocessed: whether to `preprocess` the crops.
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

    Its contrast is stretched to 0-255. If it is noisy then, as in the dark, it is denoised; if it
    is soft, as with a face that is small or out of focus, it is sharpened.
    """
    spread = stretch_contrast(crop)
    noise = estimate_noise(spread)
    if noise >= DENOISE_ABOVE:
        return stretch_contrast(_denoise(spread, noise))
    return _sharpen(spread, measure_sharpness(spread))


def estimate_noise(crop: NDArray[np.uint8]) -> float:
    """Return the standard deviation of the noise in a grey uint8 ``(H, W)`` crop, in intensities.

    The difference of two Laplacians is zero on everything that changes evenly, and what it leaves
    of a face is small compared to noise (Immerkær 1996, "Fast Noise Variance Estimation"). The
    median is robust against eyes and mouth, the mean is not.
    """
    residual = cv2.filter2D(crop.astype(np.float32), -1, _LAPLACIAN_DIFFERENCE)[1:-1, 1:-1]
    return float(np.median(np.abs(residual))) / _MEDIAN_LAPLACIAN_OF_NOISE


def stretch_contrast(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey uint8 crop with its darkest pixel at 0 and its brightest at 255."""
    low, high = int(crop.min()), int(crop.max())
    if high - low < MIN_CONTRAST:
        return crop
    spread: NDArray[np.float32] = (crop.astype(np.float32) - low) * (255 / (high - low))
    return np.rint(spread).astype(np.uint8)


def extract_crop(
    grey: NDArray[np.uint8], region: CropRegion, *, size: int = CROP_SIDE_PX
) -> NDArray[np.uint8]:
    """Return a region of a grey image ``(H, W)``, upright, as uint8 ``(size, size)``."""
    # Warped at twice the size and averaged down: sampling alone would skip pixels of a large
    # face. One that is larger still is averaged down before it is warped. Cubic, since a small
    # face warped bilinearly comes out softer than any in the training data.
    canvas = 2 * size
    scale = min(1.0, canvas / region.side)
    if scale < 1:
        grey, region = _downscale_around(grey, region, scale)
    cosine = math.cos(math.radians(region.angle)) * region.side / canvas
    sine = math.sin(math.radians(region.angle)) * region.side / canvas
    middle = (canvas - 1) / 2
    to_image = np.array(
        [
            [cosine, -sine, region.x - 0.5 - middle * (cosine - sine)],
            [sine, cosine, region.y - 0.5 - middle * (sine + cosine)],
        ]
    )
    drawn = cv2.warpAffine(
        grey,
        to_image,
        (canvas, canvas),
        flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA).astype(
        np.uint8, copy=False
    )


def measure_sharpness(crop: NDArray[np.uint8]) -> float:
    """Return how strong the finest detail of a grey uint8 ``(H, W)`` crop is, relative to coarser.

    That is the standard deviation of what a Gaussian of 0.8 pixels removes, as a fraction of that
    of what one of 2 pixels removes from the rest. The median is 0.8 for FER-2013's faces, and 0.4
    once they are blurred by one pixel; 1 is returned where there is no detail at all.
    """
    intensities = crop.astype(np.float32)
    fine = cv2.GaussianBlur(intensities, (0, 0), 0.8)
    coarse = float((fine - cv2.GaussianBlur(intensities, (0, 0), 2.0)).std())
    return float((intensities - fine).std()) / coarse if coarse else 1.0


def _denoise(crop: NDArray[np.uint8], noise: float) -> NDArray[np.uint8]:
    """Return the crop smoothed where intensities differ by little more than ``noise``."""
    smooth = cv2.bilateralFilter(crop, d=7, sigmaColor=2.5 * noise, sigmaSpace=1.5)
    return smooth.astype(np.uint8, copy=False)


def _sharpen(crop: NDArray[np.uint8], sharpness: float) -> NDArray[np.uint8]:
    """Return the crop with its finest detail amplified, the more the softer it is."""
    amount = min(SHARPENING_GAIN * (SHARPEN_BELOW - sharpness), MAX_SHARPENING)
    if amount <= 0:
        return crop
    intensities = crop.astype(np.float32)
    clear = intensities + amount * (intensities - cv2.GaussianBlur(intensities, (0, 0), 1.0))
    return np.clip(np.rint(clear), 0, 255).astype(np.uint8)


def _downscale_around(
    grey: NDArray[np.uint8], region: CropRegion, scale: float
) -> tuple[NDArray[np.uint8], CropRegion]:
    """Return the part of the image around a region, downscaled, and the region in it."""
    height, width = grey.shape
    reach = region.side * 0.75  # half the diagonal of a leaning square, and a little
    left, top = (max(0, math.floor(v - reach)) for v in (region.x, region.y))
    right = min(width, math.ceil(region.x + reach))
    bottom = min(height, math.ceil(region.y + reach))
    part = grey[top:bottom, left:right]
    size = scaled_size(part.shape[1], part.shape[0], scale)
    small = cv2.resize(part, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    across, down = size[0] / part.shape[1], size[1] / part.shape[0]
    return small, CropRegion(
        (region.x - left) * across,
        (region.y - top) * down,
        region.side * (across + down) / 2,
        region.angle,
    )


def _eye_line_degrees(points: Landmarks) -> float:
    """Return how many degrees clockwise the line through the eyes leans."""
    (x1, y1), (x2, y2) = points.left_eye, points.right_eye
    return math.degrees(math.atan2(y2 - y1, x2 - x1))


def _mtcnn_side(face: Face) -> float:
    """Return the side of the square that Haar would have drawn around an MTCNN face."""
    return math.sqrt(face.box.width * face.box.height)
