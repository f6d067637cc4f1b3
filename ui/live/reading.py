"""What the live page draws beside the picture: the current reading, or what it is waiting for."""

from __future__ import annotations

import math
from functools import partial

import streamlit as st

from emotion.labels import EMOTIONS
from emotion.live.smoothing import STABLE_AFTER_SECONDS
from emotion.live.tracker import LiveReading
from emotion.types import ImageReading
from recommender.mood import mood_of, room_mood
from recommender.types import Mood
from ui import wording
from ui.live import connection
from ui.live.camera import LiveCamera
from ui.live.device import DeviceCapture
from ui.live.on_device import live_privacy, refresh
from ui.live.resting_face import apply_resting_face, personalization
from ui.photo.upload import TIPS
from ui.state import ROOM, Photo, VisitorState
from ui.widgets.emotion_bars import emotion_bars
from ui.widgets.live_reading import live_reading
from ui.widgets.mood_pad import mood_pad

LOST = "Can’t see you right now. Still looking…"
KEEPING = "Reading until you stop it."


def live_photo(visitor: VisitorState) -> Photo | None:
    """Return the visitor's reading if it came from the live camera, whose images are not kept."""
    photo = visitor.photo
    return photo if photo is not None and photo.image is None and photo.clip is None else None


def use_mood(visitor: VisitorState, camera: LiveCamera) -> None:
    """Stop the camera and keep the reading on the page as the mood. For callbacks."""
    refresh(camera)
    apply_resting_face(visitor, camera)
    reading = camera.reading or camera.seen
    if reading is not None:
        faces = tuple(face.reading for face in reading.faces)
        visitor.show(None, ImageReading(faces))
        visitor.choose(ROOM if len(faces) > 1 else 0)
    camera.stop()


def reading_panel(visitor: VisitorState, camera: LiveCamera, *, closing: bool) -> None:
    """Draw what the stream has read.

    Readings of the server are drawn by a fragment that runs a few times a second. The visitor's
    browser draws its own readings: then the server redraws the panel only to show something else.

    Args:
        visitor: who gets the mood.
        camera: theirs.
        closing: whether the stream has ended and its connection is about to close.
    """
    if closing:
        # The reading is already there while the connection closes.
        held = live_photo(visitor)
        st.title(visitor.reading_title if held else "One moment…", anchor=False)
        if held:
            emotion_bars(held.scores, key="closing-bars", by_size=False)
        return
    on_device = isinstance(camera.capture, DeviceCapture)
    connection.update(camera)
    if camera.capture is None and not camera.waiting:
        st.rerun()
    apply_resting_face(visitor, camera)
    reading = camera.reading
    if camera.collecting:
        _resting_face_instructions()
        if reading is not None:
            _bars_and_pad(visitor, camera, reading, on_device=on_device)
        return
    if camera.resting is not None and camera.resting.problem:
        st.warning(camera.resting.problem, icon=":material/face:")
    in_sight = reading is not None
    # A face that is lost for a moment leaves the panel where it is.
    reading = reading or camera.seen
    if reading is None:
        _waiting(camera)
        return
    if in_sight and reading.is_stable and not camera.keep:
        use_mood(visitor, camera)
        st.rerun()
    if on_device:
        _browser_drawn_status(camera, reading)
    else:
        _status(camera, reading, in_sight=in_sight)
    with st.container(horizontal=True):
        st.button(
            "Use this mood now",
            type="primary",
            icon=":material/check:",
            on_click=use_mood,
            args=(visitor, camera),
        )
        if not camera.keep:
            st.button("Keep reading", icon=":material/all_inclusive:", on_click=camera.read_on)
        if visitor.resting is None:
            st.button(
                "This is my resting face",
                icon=":material/face:",
                help=wording.VISIT_PROMISE,
                on_click=camera.collect_resting,
            )
    personalization(key="live")
    _bars_and_pad(visitor, camera, reading, on_device=on_device)
    if not camera.keep:
        st.caption(":material/lock: The camera stops by itself once your mood has settled.")


def reading_title(emotion: str, faces: int) -> str:
    """Return the heading for what one face shows, or several together."""
    feeling = wording.FEELINGS[emotion]
    who = "Looks" if faces == 1 else "Everyone together:"
    return f"{feeling.glyph} {who} {feeling.word}"


def _settling(seconds: int) -> tuple[str, str]:
    """Say in how many seconds the mood settles: the plain part, and the bold part."""
    return "Hold that: settling in ", f"{seconds} second{'s' if seconds > 1 else ''}"


def _status(camera: LiveCamera, reading: LiveReading, *, in_sight: bool) -> None:
    """Draw the heading, and the seconds until the mood settles."""
    st.title(reading_title(reading.emotion, len(reading.faces)), anchor=False)
    if not in_sight:
        st.progress(0.0, text=LOST)
    elif camera.keep:
        st.markdown(KEEPING)
    else:
        plain, bold = _settling(max(1, math.ceil(reading.remaining)))
        st.progress(reading.progress, text=f"{plain}**{bold}**")


def _browser_drawn_status(camera: LiveCamera, reading: LiveReading) -> None:
    """Draw the same in the visitor's browser, which fills these texts in as it reads."""
    live_reading(
        key="live-reading",
        titles={
            emotion: (reading_title(emotion, 1), reading_title(emotion, 2)) for emotion in EMOTIONS
        },
        first=reading_title(reading.emotion, len(reading.faces)),
        lost=LOST,
        settling=[_settling(n + 1) for n in range(math.ceil(STABLE_AFTER_SECONDS))],
        stable_after=STABLE_AFTER_SECONDS,
        keep=KEEPING if camera.keep else None,
    )


def _bars_and_pad(
    visitor: VisitorState, camera: LiveCamera, reading: LiveReading, *, on_device: bool
) -> None:
    """Draw the current reading as bars and on the mood pad."""
    bars, pad = st.columns(2)
    with bars:
        emotion_bars(reading.scores, key="live-bars", by_size=False, on_device=on_device)
    with pad:
        mood = room_mood([mood_of(face.reading.scores.as_dict()) for face in reading.faces])
        mood_pad(
            key="live-pad",
            point=mood,
            on_device=on_device,
            on_move=partial(_set_manually, visitor, camera),
        )


def _resting_face_instructions() -> None:
    """Say what to do while the visitor's resting face is being collected."""
    st.title("Relax your face", anchor=False)
    st.markdown("Look at the camera without any expression. It takes a second.")


def _waiting(camera: LiveCamera) -> None:
    """Say what is happening while there is nothing to read."""
    if camera.waiting:
        st.title("May we see you?", anchor=False)
        st.markdown("Your browser is asking to use the camera. Choose *Allow* to go on.")
    elif camera.capture is None or not camera.capture.stream.frames:
        st.title("Starting the camera…", anchor=False)
    else:
        st.title("Looking for a face…", anchor=False)
        st.markdown(f"What usually helps:\n{TIPS}")
    privacy, promise = live_privacy(camera)
    st.caption(f":material/lock: {privacy}", help=promise)


def _set_manually(visitor: VisitorState, camera: LiveCamera, mood: Mood) -> None:
    """Stop the camera and use the mood set on the pad, which overrides the reading."""
    use_mood(visitor, camera)
    visitor.set_manually(mood)
