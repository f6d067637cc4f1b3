"""Live: the mood, read from the camera until it settles."""

import streamlit as st

from ui._compat.navigation import uninterrupted
from ui.diary import diary
from ui.live import connection
from ui.live.camera import CONSTRAINTS, live_camera
from ui.live.device import DeviceCapture
from ui.live.fallback import ADVICE, fallback_buttons, take_snapshot
from ui.live.on_device import live_privacy, on_device
from ui.live.reading import live_photo, reading_panel, use_mood
from ui.live.resting_face import apply_resting_face, personalization
from ui.navigation import navigate_to, require_router
from ui.photo.correction import correction
from ui.photo.room import room
from ui.photo.upload import TIPS
from ui.playlist.question import question
from ui.state import MIDDLE, visitor_state
from ui.widgets.emotion_bars import emotion_bars
from ui.widgets.live_probe import hear, live_probe
from ui.widgets.mood_pad import mood_pad

PROBE = "live-probe"

with uninterrupted():  # otherwise the next run would not know that the visitor has just arrived
    came_from = require_router("live")
    visitor, camera = visitor_state(), live_camera()
    if came_from != "live":
        camera.stop()  # leaving the page closed the connection
        if camera.wanted:
            camera.start()
    camera.wanted = False
    hear(key=PROBE, on_report=camera.on_report, on_press=camera.on_press)
body = st.container(horizontal_alignment="center").container(width=1180)


def count_earlier_presses(presses: int) -> None:
    """Number presses as the browser does, so that it shows its button again."""
    camera.on_earlier_presses(presses)
    st.rerun()


def find_music() -> None:
    """Start from the dot, without the camera."""
    visitor.set_manually(visitor.mood or MIDDLE)
    navigate_to("playlist")


connection.update(camera)
# No st.stop() on this page: it would leave the fragment of the run before alive.
closing = camera.capture is None and connection.connected()
idle = camera.capture is None and not camera.waiting and not closing

apply_resting_face(visitor, camera)

# No video
if camera.failed and not connection.connected():
    ask, hand = body.columns([6, 5], gap="large", vertical_alignment="center")
    with ask:
        st.title(ADVICE[camera.failed].title, anchor=False)
        st.markdown(ADVICE[camera.failed].text)
        fallback_buttons(camera.failed, on_again=camera.start)
        st.caption(f":material/lock: {diary.privacy()}")
    with hand:
        st.markdown("**Or set it by hand.** Drag the dot to how you feel.")
        mood_pad(key="fallback-pad", point=visitor.mood or MIDDLE, on_move=visitor.set_manually)
        st.button(
            "Find music for this",
            icon=":material/arrow_forward:",
            icon_position="right",
            width="stretch",
            on_click=find_music,
        )

# A mood that has settled
elif idle and (held := live_photo(visitor)):
    with body:
        st.title(visitor.reading_title, anchor=False)
        unsure = held.scores.unsure and visitor.corrected_emotion is None
        if unsure:
            correction()
        question()
        settled, pad = st.columns([6, 5], gap="large")
        with settled:
            room()
            emotion_bars(held.scores, key="settled-bars")
            if not unsure:
                correction()
            personalization(key="settled")
            st.button("Keep reading", icon=":material/videocam:", on_click=camera.read_on)
        with pad:
            mood_pad(
                key="settled-pad",
                point=visitor.mood or held.mood,
                reading=held.mood,
                on_move=visitor.set_manually,
            )

# The camera
else:
    video, words_beside = body.columns([1, 1], gap="large")
    with video:
        # No gaps: one of these takes the picture's place, and the others are invisible.
        with st.container(gap=None):
            live_probe(
                key=PROBE,
                poster=camera.capture is None,
                idle=idle,
                turn=camera.asked,
                waiting=camera.waiting,
                watch=camera.capture is not None,
                known=camera.reported,
                allowed=camera.allowed,
                constraints=CONSTRAINTS,
                on_report=camera.on_report,
                on_press=camera.on_press,
                on_earlier_presses=count_earlier_presses,
            )
            on_device(camera)
            # Mounted from the start, so that nothing has to load once the button is pressed.
            with st.container(height="content" if camera.capture else 1, border=False):
                connection.connect(camera)
                if closing and not connection.connected():
                    st.rerun()  # it has closed: the run before this one was on another page
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            if not idle:
                st.button(
                    "Stop",
                    icon=":material/stop_circle:",
                    on_click=use_mood,
                    args=(visitor, camera),
                )
            # Not once this browser has read a frame: then there is a picture.
            if not (isinstance(camera.capture, DeviceCapture) and camera.capture.stream.frames):
                st.button(
                    "No picture? Take a snapshot instead"
                    if camera.capture
                    else "Take a snapshot instead",
                    type="tertiary",
                    icon=":material/photo_camera:",
                    on_click=take_snapshot,
                )

    with words_beside:
        if idle:
            st.title("Let the camera catch your mood", anchor=False)
            st.markdown(
                "Watch the reading change with your face. Once it holds for two seconds, you can "
                "start the music."
            )
            st.markdown(f"What helps:\n{TIPS}")
            privacy, promise = live_privacy(camera)
            st.caption(f":material/lock: {privacy}", help=promise)
        elif camera.able:
            # The browser redraws the reading, and calls the server when more has to change.
            reading_panel(visitor, camera, closing=closing)
        else:
            st.fragment(reading_panel, run_every=0.4)(visitor, camera, closing=closing)
