"""Selfie: from a picture to a mood, and to what the music should do."""

import streamlit as st

from ui import wording
from ui.clip.view import clip_mood
from ui.live.resting_face import personalization
from ui.mood_entry import use_camera
from ui.navigation import end_page, navigate_to, require_router
from ui.photo import upload as photo
from ui.photo.correction import correction
from ui.photo.room import room
from ui.playlist.question import question
from ui.state import MIDDLE, visitor_state
from ui.widgets.emotion_bars import emotion_bars
from ui.widgets.mood_pad import mood_pad

require_router("selfie")
visitor = visitor_state()


def set_by_hand() -> None:
    visitor.chooser, visitor.by_hand = None, True
    visitor.set_manually(visitor.mood or MIDDLE)


body = st.container(horizontal_alignment="center").container(width=1080)

with body:
    photo.read_waiting_picture()
    # Above the report on the last file: when that shows, the next uploader is already in place.
    photo.uploader()

if visitor.faceless is not None:
    # Words first in reading order, so that they come first on a phone.
    advice, beside = body.columns([6, 5], gap="large", vertical_alignment="center")
    with advice:
        found = "No face we can read" if visitor.why_unread else "No face found"
        st.title(f"{found} in this picture", anchor=False)
        for note in visitor.why_unread:
            st.markdown(note)
        st.markdown(f"It happens. What usually helps:\n{photo.TIPS}")
        with st.container(horizontal=True):
            photo.photo_choice("Try another photo", look="primary")
            st.button("Use the camera", icon=":material/videocam:", on_click=use_camera)
            st.button("Set it by hand", icon=":material/touch_app:", on_click=set_by_hand)
        photo.problem()
    with beside:
        if visitor.by_hand and visitor.mood is not None:
            st.markdown("Drag the dot to how you feel.")
            mood_pad(key="faceless-pad", point=visitor.mood, on_move=visitor.set_manually)
        else:
            photo.faceless_picture()
    with body:
        if visitor.by_hand:
            question()
    end_page()

if visitor.photo is not None and visitor.photo.clip is not None:
    with body:
        st.title(visitor.reading_title, anchor=False)
        question()
        photo.problem()
        over_time, at_the_end = st.columns([5, 3], gap="large")
        with over_time:
            clip_mood(visitor.photo.clip)
            photo.photo_choice("Another photo or clip", look="tertiary")
        with at_the_end:
            correction()
            mood_pad(
                key="clip-pad",
                point=visitor.mood or visitor.photo.mood,
                reading=visitor.photo.mood,
                on_move=visitor.set_manually,
            )
    end_page()

if visitor.photo is None or visitor.photo.image is None:
    ask, help_ = body.columns([6, 5], gap="large")
    with ask:
        st.title("Show your face for a moment", anchor=False)
        photo.problem()
        if visitor.chooser == "camera":
            photo.snapshot()
            photo.photo_choice("Choose a photo instead", look="tertiary", ask_able=True)
        else:
            photo.photo_choice("Choose a photo", look="primary", zone=True, ask_able=True)
            st.button(
                "Take a snapshot instead",
                type="tertiary",
                icon=":material/photo_camera:",
                on_click=photo.choose,
                args=("camera",),
            )
        privacy, promise = photo.privacy()
        st.caption(f":material/lock: {privacy}", help=promise)
        offer = wording.CLIP_OFFER + (wording.CLIP_TO_SERVER if visitor.on_device else "")
        st.caption(f":material/movie: {offer}", help=wording.CLIP_PROMISE)
    with help_:
        st.header("What helps", anchor=False)
        st.markdown(photo.TIPS)
        st.button(
            "Or set it by hand",
            type="tertiary",
            icon=":material/touch_app:",
            on_click=navigate_to,
            args=("home",),
        )
    end_page()

scores = visitor.photo.scores
unsure = scores.unsure and visitor.corrected_emotion is None

with body:
    st.title(visitor.reading_title, anchor=False)
    for note in visitor.photo.reading.notes:
        st.caption(note)
    if unsure:
        correction()
    question()

    grid = st.grid(3, min_column_width=300, gap="medium")
    with grid.cell():
        photo.problem()
        photo.portrait(visitor.photo)
        if visitor.chooser == "camera":
            photo.snapshot()
            st.button(
                "Keep this photo",
                type="tertiary",
                icon=":material/close:",
                on_click=photo.choose,
                args=(None,),
            )
        else:
            with st.container(horizontal=True, gap="medium"):
                photo.photo_choice("Another photo", look="tertiary")
                st.button(
                    "Take a snapshot",
                    type="tertiary",
                    icon=":material/photo_camera:",
                    on_click=photo.choose,
                    args=("camera",),
                )
    with grid.cell():
        room()
        emotion_bars(scores, key="bars")
        if not unsure:
            correction()
        personalization(key="selfie")
    with grid.cell():
        face = visitor.photo.mood
        mood_pad(
            key="selfie-pad", point=visitor.mood or face, reading=face, on_move=visitor.set_manually
        )
