"""Corruptions of the visitor's own photo, to see where the network fails.

Everything happens in memory, on the photo that the session already holds; nothing is kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import streamlit as st
from numpy.typing import NDArray

from emotion import annotate
from emotion.crop import CROP_SIDE_PX, crop_faces
from emotion.image.resize import downscale, scaled_size
from emotion.types import Box, EmotionScores, Face, FaceReading
from ui import services, wording
from ui.diary import diary
from ui.photo import upload as photo
from ui.photo.picture import picture
from ui.state import VisitorState, visitor_state
from ui.widgets.emotion_bars import emotion_bars

Image = NDArray[np.uint8]

SEVERITIES: Final = {0.0: "Not at all", 0.25: "A little", 0.5: "A lot", 1.0: "Extremely"}

CROP_FACTOR: Final = 2.4
"""Width of the crop that is corrupted, in widths of the face: room to rotate it in."""
MAX_SIDE_PX: Final = 480
"""Longest side of the crop, so that it is read quickly."""


@dataclass(frozen=True, slots=True)
class Corruption:
    """One way to make a face harder to read.

    Attributes:
        label: the pill's text.
        amount: describes in words a severity, 0-1, for a face in this box.
        apply: takes an RGB uint8 image, the face's box in it and the severity, and returns a new
            image. Severity 0 changes nothing.
    """

    label: str
    amount: Callable[[float, Box], str]
    apply: Callable[[Image, Box, float], Image]


def darken(image: Image, box: Box, severity: float) -> Image:
    """Darken by up to 95 %."""
    return _uint8(np.rint(image * (1 - 0.95 * severity)))


def blur(image: Image, box: Box, severity: float) -> Image:
    """Blur by a Gaussian whose standard deviation is up to an eighth of the face's width."""
    sigma = severity * box.width / 8
    return image.copy() if sigma < 0.1 else _uint8(cv2.GaussianBlur(image, (0, 0), sigma))


def lower_resolution(image: Image, box: Box, severity: float) -> Image:
    """Leave the face as few pixels as if it were far away, down to 10 across."""
    height, width = image.shape[:2]
    shrink = _face_width_px(severity, box) / box.width
    size = scaled_size(width, height, shrink)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return _uint8(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR))


def rotate(image: Image, box: Box, severity: float) -> Image:
    """Rotate the picture about the face clockwise, by up to 90 degrees."""
    middle = box.x + box.width / 2, box.y + box.height / 2
    turn = cv2.getRotationMatrix2D(middle, -90 * severity, 1.0)
    size = image.shape[1], image.shape[0]
    return _uint8(cv2.warpAffine(image, turn, size, borderMode=cv2.BORDER_REPLICATE))


def cover_mouth(image: Image, box: Box, severity: float) -> Image:
    """Cover the face from the chin up, by up to half its height."""
    return _cover(image, box, top=1 - 0.5 * severity, bottom=1.05)


def cover_eyes(image: Image, box: Box, severity: float) -> Image:
    """Cover a band over the eyes, of up to 40 % of the face's height."""
    return _cover(image, box, top=0.4 - 0.2 * severity, bottom=0.4 + 0.2 * severity)


CORRUPTIONS: Final[Mapping[str, Corruption]] = {
    "darker": Corruption("Darker", lambda s, _: f"{95 * s:.0f} % of the light gone", darken),
    "blurred": Corruption(
        "Blurred", lambda s, _: f"blurred over {12.5 * s:.0f} % of the face", blur
    ),
    "smaller": Corruption(
        "Smaller",
        lambda s, box: f"a face {_face_width_px(s, box):.0f} pixels wide",
        lower_resolution,
    ),
    "turned": Corruption("Turned", lambda s, _: f"turned by {90 * s:.0f} degrees", rotate),
    "mouth": Corruption(
        "Mouth covered", lambda s, _: f"the lower {50 * s:.0f} % of the face covered", cover_mouth
    ),
    "eyes": Corruption(
        "Eyes covered", lambda s, _: f"a band of {40 * s:.0f} % of the face covered", cover_eyes
    ),
}


def crop_around(image: Image, box: Box) -> tuple[Image, Box]:
    """Return a copy of a picture around a face, of bounded size, and the face's box in it.

    Args:
        image: RGB uint8 ``(H, W, 3)``.
        box: the face.
    """
    height, width = image.shape[:2]
    side = max(box.width, box.height) * CROP_FACTOR
    left = max(0, round(box.x + box.width / 2 - side / 2))
    top = max(0, round(box.y + box.height / 2 - side / 2))
    part = image[top : min(height, round(top + side)), left : min(width, round(left + side))]
    smaller_part, scale = downscale(part, MAX_SIDE_PX)
    return np.array(smaller_part), Box(
        round((box.x - left) * scale),
        round((box.y - top) * scale),
        max(1, round(box.width * scale)),
        max(1, round(box.height * scale)),
    )


def same_face(readings: tuple[FaceReading, ...], box: Box) -> FaceReading | None:
    """Return the first reading whose face is centred near the centre of ``box``, if any."""
    x, y = box.x + box.width / 2, box.y + box.height / 2
    for reading in readings:
        found = reading.face.box
        across = abs(found.x + found.width / 2 - x)
        down = abs(found.y + found.height / 2 - y)
        if across < box.width / 3 and down < box.height / 3:
            return reading
    return None


def verdict(before: EmotionScores, after: EmotionScores | None) -> str:
    """Say in a sentence how the reading has changed."""
    if after is None:
        return (
            "**No face found now.** When that happens, Affectune says so and asks for another "
            "photo. It never makes up a reading."
        )
    was, now = wording.FEELINGS[before.emotion].word, wording.FEELINGS[after.emotion].word
    then, sure = before.as_dict()[before.emotion], after.confidence
    if now == was:
        return f"**Still {now}**, {sure:.0%} sure. In your original photo: {then:.0%}."
    return f"**Now it says {now}**, {sure:.0%} sure. In your original photo: {was}, {then:.0%}."


@st.fragment
def corruption_demo() -> None:
    """Let the visitor corrupt their own photo and watch the reading change."""
    photo.read_waiting_picture()
    visitor = visitor_state()
    photo.uploader(then=None)
    photo.problem()
    image = visitor.photo and visitor.photo.image
    # A photo that only the visitor's browser has cannot be corrupted here.
    if visitor.chooser or visitor.photo is None or not isinstance(image, np.ndarray):
        _ask_for_photo(visitor)
        return
    face = visitor.photo.faces[0]
    part, box = crop_around(image, face.face.box)

    name = st.pills(
        "What should we do to your photo?",
        list(CORRUPTIONS),
        format_func=lambda key: f":gray[{CORRUPTIONS[key].label}]",
        default="darker",
        required=True,
        key="try-change",
        wrap=True,
    )
    corruption = CORRUPTIONS[name]
    # No slider: in the dark theme the number above its thumb is too faint to read.
    severity = st.segmented_control(
        "How much?",
        list(SEVERITIES),
        format_func=lambda step: f":gray[{SEVERITIES[step]}]",
        default=0.5,
        required=True,
        key="try-share",
    )
    corrupted = corruption.apply(part, box, severity)
    try:
        after = same_face(services.recognizer().analyze(corrupted).faces, box)
        if after is not None:
            after = visitor.photo.as_visitor(after)
    except Exception:
        logging.getLogger(__name__).exception("An altered picture could not be read")
        st.error(photo.NOT_WORKING, icon=":material/broken_image:")
        return

    left, reading = st.columns(2, gap="medium")
    with left:
        shown = corrupted if after is None else annotate(corrupted, [after])
        picture(shown, alt=f"Your face: {corruption.amount(severity, box)}")
        st.caption(wording.capitalize_first(corruption.amount(severity, box)))
    with reading:
        st.markdown(verdict(face.scores, after.scores if after else None))
        if after is not None:
            emotion_bars(after.scores, key="altered-bars", by_size=False)
            _network_input(corrupted, after.face)
    photo.photo_choice("Another photo", look="tertiary", on_device=False)


def _network_input(image: Image, face: Face) -> None:
    """Show the crop that the network gets, its pixels as large squares."""
    (crop,) = crop_faces(image, [face])
    shown = cv2.resize(crop, (CROP_SIDE_PX * 4, CROP_SIDE_PX * 4), interpolation=cv2.INTER_NEAREST)
    with st.container(horizontal=True, vertical_alignment="center"):
        picture(shown, alt="Your face in 48 by 48 grey squares", width=112)
        st.caption(
            f"All the network sees: {CROP_SIDE_PX} × {CROP_SIDE_PX} grey pixels.",
            width=180,
        )


def _ask_for_photo(visitor: VisitorState) -> None:
    if visitor.faceless is not None:
        st.markdown(f"No face found in your picture. What usually helps:\n{photo.TIPS}")
    else:
        st.markdown(
            "Add a photo of yourself, and see how the reading changes in the dark, out of focus or "
            "behind a mask."
        )
    if visitor.chooser == "camera":
        photo.snapshot(then=None)
    with st.container(horizontal=True):
        photo.photo_choice("Choose a photo", on_device=False)
        if visitor.chooser != "camera":
            st.button(
                "Take a snapshot",
                icon=":material/photo_camera:",
                on_click=photo.choose,
                args=("camera",),
            )
    st.caption(f":material/lock: {diary.privacy()}", help=wording.PHOTO_PROMISE)


def _cover(image: Image, box: Box, *, top: float, bottom: float) -> Image:
    """Return a copy with a plain band over a face, from ``top`` to ``bottom`` in box heights."""
    covered = image.copy()
    first, last = (round(box.y + box.height * edge) for edge in (top, bottom))
    if last > first and top < 1:
        # A little wider than the face, as a scarf or a hand would be.
        left = max(0, round(box.x - 0.05 * box.width))
        right = round(box.x + 1.05 * box.width)
        covered[max(0, first) : last, left:right] = (92, 84, 88)
    return covered


def _face_width_px(severity: float, box: Box) -> float:
    """Return how many pixels across a face keeps: from all to 10, on a geometric scale."""
    fraction: float = min(1.0, 10 / box.width) ** severity
    return box.width * fraction


def _uint8(image: NDArray[np.generic]) -> Image:
    return image.astype(np.uint8, copy=False)
