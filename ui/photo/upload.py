"""Pictures: how they are handed in, read and shown. They stay in memory and are never kept."""

from __future__ import annotations

import logging
from typing import Final

import streamlit as st
from streamlit.typing import UploadedFile

from emotion import ImageError, annotate, decode_image, square_around
from ui import services
from ui._compat import streamlit as _compat
from ui.photo.picture import picture
from ui.state import ROOM, Chooser, Photo, visitor_state

SUFFIXES: Final = (
    *("jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif"),
    *("heic", "heif", "hif", "avif"),
)
MAX_PHOTO_MEGABYTES: Final = 15
"""What `emotion.image` reads; the uploader names it and refuses more before anything is sent."""

IN_LINE: Final = "Waiting for other pictures to be opened…"

STAGES: Final = {
    "detect": "Looking for a face…",
    "detect again": "Looking again, more closely…",
    "rotate": "Turning the picture…",
    "classify": "Reading the face…",
}

TIPS: Final = (
    "- light from the front, not from behind\n"
    "- the whole face in the picture, looking at the lens\n"
    "- no mask or dark glasses"
)

NOT_WORKING: Final = (
    "Reading faces does not work here just now. Setting the mood by hand does, on the first page."
)


LOST: Final = "The picture got lost on its way here. Please choose it once more."


def read_waiting_picture() -> None:
    """Read the picture that was handed in, if one was, and say what is being done meanwhile."""
    visitor = visitor_state()
    # Always there, so that what follows keeps its place on the page from run to run.
    place = st.empty()
    if visitor.waiting is None:
        return
    with place.status("Opening the picture…") as status:
        try:
            image = decode_image(visitor.waiting, on_wait=lambda: status.update(label=IN_LINE))
            reading = services.recognizer().analyze(
                image, on_stage=lambda stage: status.update(label=STAGES[stage])
            )
        except ImageError as error:
            visitor.problem = str(error)
        except Exception:
            logging.getLogger(__name__).exception("A picture could not be read")
            visitor.problem = NOT_WORKING
        else:
            visitor.show(image, reading)
        # Not before: a script that is interrupted while it reads starts over with the same
        # picture. And not after the next call of Streamlit, which is where it is interrupted.
        visitor.waiting = None
        visitor.handed_in += 1
    place.empty()


def chooser(way: Chooser) -> None:
    """Ask for a picture, one way or the other."""
    visitor = visitor_state()
    number = visitor.handed_in
    key = f"{way}-{number}"

    def take() -> None:
        file = st.session_state.get(key)
        # A click that interrupts the page which shows the reading makes the browser report the
        # same file again; reading it twice would undo what was clicked.
        if file is None or number != visitor.handed_in:
            return
        if not isinstance(file, UploadedFile):
            # After the server or the connection was lost, the browser still shows a file that is
            # not here any more.
            visitor.problem = LOST
            visitor.handed_in += 1
        elif not file.closed:  # else it was read already, or waited too long
            visitor.problem = None
            visitor.waiting = file.getvalue()
            _compat.forget_upload(file)

    def change_to(other: Chooser | None) -> None:
        visitor.problem = None
        visitor.chooser = other

    place = st.empty()
    if visitor.problem:
        place.error(visitor.problem, icon=":material/broken_image:")
    if way == "camera":
        st.camera_input("Look at the camera", key=key, on_change=take, resolution="720p")
        st.caption(
            "Does the camera stay off? Then your browser blocked it. Allow it with the camera "
            "sign beside the address and try again, or go on without it."
        )
        instead = ("Choose a photo instead", ":material/image:", "upload")
    else:
        st.file_uploader(
            "A photo with your face",
            type=SUFFIXES,
            key=key,
            on_change=take,
            max_upload_size=MAX_PHOTO_MEGABYTES,
        )
        instead = ("Take a snapshot instead", ":material/photo_camera:", "camera")
    with st.container(horizontal=True):
        label, icon, other = instead
        st.button(label, type="tertiary", icon=icon, on_click=change_to, args=(other,))
        if visitor.photo is not None and visitor.faceless is None:
            st.button(
                "Keep this photo",
                type="tertiary",
                icon=":material/close:",
                on_click=change_to,
                args=(None,),
            )


def portrait(photo: Photo) -> None:
    """Show the chosen face, or the whole room, with outlines; where there are several, numbers."""
    if photo.image is None:
        return
    count = len(photo.reading.faces)
    selected = None if photo.chosen == ROOM else photo.chosen
    labels = [str(number) for number in range(1, count + 1)] if count > 1 else None
    if selected is None:
        alt = f"Your photo with all {count} faces outlined"
    elif count > 1:
        alt = f"Face {selected + 1} of {count} in your photo, outlined"
    else:
        alt = "Your photo with the face outlined"
    outlined = annotate(photo.image, photo.reading.faces, selected=selected, labels=labels)
    picture(square_around(outlined, photo.faces), alt=alt)


def who() -> None:
    """Where there are several faces, ask which one, or the mood of the room."""
    visitor = visitor_state()
    if visitor.photo is None or len(visitor.photo.reading.faces) < 2:
        return
    st.session_state["who"] = visitor.photo.chosen
    st.pills(
        "**Whose mood?** Tap through the faces.",
        [*range(len(visitor.photo.reading.faces)), ROOM],
        format_func=lambda face: (
            f":gray[{'The whole room' if face == ROOM else f'Face {face + 1}'}]"
        ),
        key="who",
        required=True,
        on_change=lambda: visitor.choose(st.session_state["who"]),
        wrap=True,
    )
