"""Photos: how they are uploaded, read and shown. They stay in memory and are never stored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

import streamlit as st
from streamlit.typing import UploadedFile

from emotion import ClipError, ImageError, annotate, decode_image, square_around
from emotion.image.decoding import UNREADABLE
from ui import services, wording
from ui._compat import streamlit as _compat
from ui.clip import upload as clip
from ui.diary import diary
from ui.navigation import navigate_to
from ui.photo.device import DeviceCopy, device_reading
from ui.photo.picture import picture
from ui.server import device_assets, health
from ui.state import ROOM, Chooser, Photo, visitor_state
from ui.widgets.device_photo import closer_look, device_photo
from ui.widgets.face_picker import face_picker
from ui.widgets.photo_button import photo_button

SUFFIXES: Final = (
    *("jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif"),
    *("heic", "heif", "hif", "avif"),
)
UPLOADER_KEY: Final = "photo-upload"
"""Key of the container of Streamlit's uploader; `ui/server/page.css` hides it."""

MAX_PHOTO_MEGABYTES: Final = 15
"""What `emotion.image` accepts; the button says so and refuses more before anything is sent."""

IN_LINE: Final = "Waiting in line: other photos are being opened…"

STAGES: Final = {
    "detect": "Looking for a face…",
    "detect again": "Taking a closer look…",
    "rotate": "Turning the picture…",
    "classify": "Reading the face…",
}

TIPS: Final = (
    "- light from the front, not from behind\n"
    "- the whole face in the picture, looking at the lens\n"
    "- no mask or dark glasses"
)

NOT_WORKING: Final = (
    "We can’t read faces right now. You can still set your mood by hand on the Home page."
)


OUTLINED: Final = "Your photo with the face outlined"
SERVER_READS: Final = "The server can look closer: it reads pictures in memory and forgets them."

LOST: Final = "Your photo didn’t get through. Please choose it again."


def read_waiting_picture() -> None:
    """Read the uploaded picture, if there is one, and show the progress."""
    visitor = visitor_state()
    # Drawn in every run, so that what follows keeps its position on the page.
    place = st.empty()
    if visitor.waiting is None:
        return
    with health.FILES, place.status("Opening your photo…") as status:
        try:
            if clip.is_clip(visitor.waiting):
                summary = clip.read_uploaded_clip(
                    visitor.waiting,
                    services.recognizer().classifier,
                    on_wait=lambda: status.update(label=clip.IN_LINE),
                    on_progress=lambda part: status.update(label=f"{clip.STAGE} {part:.0%}"),
                )
                visitor.show(None, summary.ending, clip=summary)
                visitor.choose(ROOM if len(summary.ending.faces) > 1 else 0)
            else:
                image = decode_image(visitor.waiting, on_wait=lambda: status.update(label=IN_LINE))
                reading = services.recognizer().analyze(
                    image, on_stage=lambda stage: status.update(label=STAGES[stage])
                )
                visitor.show(image, reading)
        except (ImageError, ClipError) as error:
            visitor.problem = str(error)
        except Exception:
            logging.getLogger(__name__).exception("A picture could not be read")
            visitor.problem = NOT_WORKING
        # Not earlier, so that a run that is interrupted while reading starts over with the same
        # picture; nor after the next Streamlit call, where the run may be interrupted.
        visitor.waiting = None
        visitor.handed_in += 1
    place.empty()


def photo_choice(
    label: str,
    *,
    look: Literal["primary", "secondary", "tertiary"] = "secondary",
    zone: bool = False,
    on_device: bool = True,
    ask_able: bool = False,
) -> None:
    """Draw the button that opens the picture chooser. What is chosen is shown on the selfie page.

    Where possible, a photo is read in the visitor's own browser; then no image is sent.

    Args:
        label: the button's text.
        look: which of Streamlit's buttons it looks like.
        zone: whether to draw a drop zone around it.
        on_device: whether the browser may read the photo; otherwise the server does.
        ask_able: whether to find out if the browser can, for a page that says so.
    """
    visitor = visitor_state()

    def take_able(able: bool) -> None:
        visitor.on_device = able

    photo_button(
        label,
        key="photo-button",
        uploader=UPLOADER_KEY,
        suffixes=SUFFIXES,
        megabytes=MAX_PHOTO_MEGABYTES,
        clip_suffixes=clip.SUFFIXES,
        clip_megabytes=clip.MAX_MEGABYTES,
        turn=visitor.handed_in,
        base=device_assets.base_address() if on_device else None,
        unreadable=UNREADABLE,
        on_read=take_device_reading,
        on_able=take_able if ask_able else None,
        look=look,
        zone=zone,
    )


def take_device_reading(told: Mapping[str, Any]) -> None:
    """Show what the visitor's browser has read in a photo. For callbacks."""
    visitor = visitor_state()
    visitor.handed_in += 1
    try:
        copy, reading = device_reading(told)
    except (TypeError, ValueError, KeyError) as error:
        logging.getLogger(__name__).warning("A browser's reading was not understood: %s", error)
        visitor.problem = NOT_WORKING
        return
    visitor.problem, visitor.waiting = None, None
    visitor.show(copy, reading)
    navigate_to("selfie")


def privacy() -> tuple[str, str]:
    """Return what happens to this visitor's photo: in a sentence, and in detail."""
    visitor = visitor_state()
    if visitor.on_device and visitor.chooser != "camera":
        return diary.privacy(on_device=True), wording.DEVICE_PHOTO_PROMISE
    return diary.privacy(), wording.PHOTO_PROMISE


def uploader(*, then: str | None = "selfie") -> None:
    """Mount Streamlit's uploader, which `photo_choice` operates and the page's style sheet hides.

    Args:
        then: the page that reads the picture, or ``None`` for this one.
    """
    key, take = _picture_input("upload", then)
    with st.container(key=UPLOADER_KEY):
        st.file_uploader(
            "A photo with your face",
            type=(*SUFFIXES, *clip.SUFFIXES),
            key=key,
            on_change=take,
            max_upload_size=clip.MAX_MEGABYTES,
        )


def snapshot(*, then: str | None = "selfie") -> None:
    """Draw the camera input. `then` is as for `uploader`."""
    key, take = _picture_input("camera", then)
    st.camera_input("Look at the camera", key=key, on_change=take, resolution="720p")
    st.caption(
        "No picture? Your browser may be blocking the camera. Click the camera icon in the "
        "address bar, allow it, and try again. Or go on without it."
    )


def problem() -> None:
    """Say why the last file was not read, if it was not."""
    # Drawn in every run, so that what follows keeps its position on the page.
    place = st.empty()
    said = visitor_state().problem
    if said:
        place.error(said, icon=":material/broken_image:")


def choose(way: Chooser | None) -> None:
    """Open or close the camera input. For callbacks."""
    visitor = visitor_state()
    visitor.problem, visitor.chooser, visitor.by_hand = None, way, False


def _picture_input(way: Chooser, then: str | None) -> tuple[str, Callable[[], None]]:
    """Return a key for an input that takes one picture, and the callback that takes it."""
    visitor = visitor_state()
    number = visitor.handed_in
    key = f"{way}-{number}"

    def take() -> None:
        file = st.session_state.get(key)
        # A click that interrupts the run showing the reading makes the browser report the same
        # file again; reading it twice would undo the click.
        if file is None or number != visitor.handed_in:
            return
        if not isinstance(file, UploadedFile):
            # After a restart or a lost connection the browser still shows a file that the server
            # no longer has.
            visitor.problem = LOST
            visitor.handed_in += 1
        elif not file.closed:  # otherwise it was read already, or has expired
            visitor.problem = None
            visitor.waiting = file.getvalue()
            _compat.forget_upload(file)
        else:
            return
        if then is not None:
            navigate_to(then)

    return key, take


def portrait(photo: Photo) -> None:
    """Show the picture: its face outlined, or several faces to choose from."""
    image = photo.image
    if image is None:
        return
    faces = photo.reading.faces
    if len(faces) > 1:
        face_picker(
            image,
            [face.face.box for face in faces],
            key="faces",
            chosen=photo.chosen,
            everyone=ROOM,
            on_choose=visitor_state().choose,
        )
    elif isinstance(image, DeviceCopy):
        device_photo(image, key="portrait", alt=OUTLINED, face=faces[0].face.box)
    else:
        outlined = annotate(image, faces, selected=0)
        picture(square_around(outlined, photo.faces), alt=OUTLINED)
    if isinstance(image, DeviceCopy):
        if visitor_state().chooser != "camera":  # a snapshot goes to the server
            st.caption(f":material/lock: {diary.privacy(on_device=True)}")
        if image.unsure:
            _offer_server(image, "This device may have missed a face.")


def faceless_picture() -> None:
    """Show the picture in which no face was found."""
    image = visitor_state().faceless
    alt = "Your picture, in which no face was found"
    if isinstance(image, DeviceCopy):
        device_photo(image, key="faceless", alt=alt, face=None)
        st.caption(f":material/lock: {diary.privacy(on_device=True)}")
        _offer_server(image, "This device found no face that it can read.")
    elif image is not None:
        picture(image, alt=alt)


def _offer_server(image: DeviceCopy, why: str) -> None:
    closer_look(image, f"{why} {SERVER_READS}", key="closer-look", uploader=UPLOADER_KEY)
