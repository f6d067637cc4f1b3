"""Selfie: from a picture to a mood, and to the one question."""

import streamlit as st

from ui import wording
from ui.diary import diary
from ui.live.resting_face import what_was_learned
from ui.photo import upload as photo
from ui.photo.correction import correction
from ui.photo.picture import picture
from ui.photo.room import room
from ui.playlist.question import question
from ui.state import MIDDLE, ROOM, Chooser, go, require_router, visit
from ui.widgets.emotion_bars import emotion_bars
from ui.widgets.mood_pad import mood_pad

require_router("selfie")
me = visit()


def try_again(way: Chooser) -> None:
    me.chooser, me.by_hand = way, False


def set_by_hand() -> None:
    me.chooser, me.by_hand = None, True
    me.put(me.mood or MIDDLE)


body = st.container(horizontal_alignment="center").container(width=1080)

with body:
    photo.read_waiting_picture()

if me.faceless is not None:
    # Words first in the order of reading, so that they come first on a phone.
    advice, beside = body.columns([6, 5], gap="large", vertical_alignment="center")
    with advice:
        found = "No face that can be read" if me.why_unread else "No face found"
        st.title(f"{found} in this picture", anchor=False)
        for note in me.why_unread:
            st.markdown(note)
        st.markdown(f"It happens. What usually helps:\n{photo.TIPS}")
        with st.container(horizontal=True):
            st.button(
                "Try another photo",
                type="primary",
                icon=":material/image:",
                on_click=try_again,
                args=("upload",),
            )
            st.button(
                "Use the camera",
                icon=":material/videocam:",
                on_click=try_again,
                args=("camera",),
            )
            st.button("Set it by hand", icon=":material/touch_app:", on_click=set_by_hand)
        if me.chooser:
            photo.chooser(me.chooser)
    with beside:
        if me.by_hand and me.mood is not None:
            st.markdown("Drag the dot to how you feel.")
            mood_pad(key="faceless-pad", point=me.mood, on_move=me.put)
        else:
            picture(me.faceless, alt="Your picture, in which no face was found")
    if me.by_hand:
        with body:
            question()
    st.stop()

if me.photo is None or me.photo.image is None:
    ask, help_ = body.columns([6, 5], gap="large")
    with ask:
        st.title("Show your face for a moment", anchor=False)
        photo.chooser(me.chooser or "upload")
        st.caption(f":material/lock: {diary.privacy()}", help=wording.PHOTO_PROMISE)
    with help_:
        st.header("What helps", anchor=False)
        st.markdown(photo.TIPS)
        st.button(
            "Or set it by hand",
            type="tertiary",
            icon=":material/touch_app:",
            on_click=go,
            args=("home",),
        )
    st.stop()

scores = me.photo.scores
if me.said is not None:
    glyph, title = wording.FEELINGS[me.said].glyph, f"{wording.FEELINGS[me.said].word}, as you say"
elif me.placed is not None:
    glyph, title = "", f"{wording.place(me.placed)}, as you set it"
else:
    glyph, title = wording.FEELINGS[scores.emotion].glyph, wording.what_a_face_shows(scores)
    if me.photo.chosen == ROOM:
        title = f"The room: {title[:1].lower()}{title[1:]}"

with body:
    st.title(f"{glyph} {wording.capital(title)}".strip(), anchor=False)
    for note in me.photo.reading.notes:
        st.caption(note)

    grid = st.grid(3, min_column_width=300, gap="medium")
    with grid.cell():
        photo.portrait(me.photo)
        if me.chooser:
            photo.chooser(me.chooser)
        else:
            st.button(
                "Another photo",
                type="tertiary",
                icon=":material/image:",
                on_click=try_again,
                args=("upload",),
            )
    with grid.cell():
        photo.who()
        room()
        emotion_bars(scores, key="bars")
        correction()
        what_was_learned(key="selfie")
    with grid.cell():
        face = me.photo.mood
        mood_pad(key="selfie-pad", point=me.mood or face, reading=face, on_move=me.put)

    question()
