"""Live: the mood read as it happens, until it has settled."""

import logging
import math

import streamlit as st
from streamlit_webrtc import WebRtcMode, webrtc_streamer
from streamlit_webrtc.component import generate_frontend_component_key

from emotion.live.tracker import LiveReading
from emotion.types import ImageReading
from recommender.mood import mood_of, room_mood
from recommender.types import Mood
from ui import wording
from ui.diary import diary
from ui.live.camera import CONSTRAINTS, KEY, live_camera
from ui.live.fallback import ADVICE, step_down, steps
from ui.live.ice import SETTING, ice_servers
from ui.live.resting_face import keep_up, what_was_learned
from ui.navigation import navigate_to, require_router
from ui.photo.correction import correction
from ui.photo.room import room
from ui.photo.upload import TIPS
from ui.playlist.question import question
from ui.state import MIDDLE, ROOM, Photo, visitor_state
from ui.widgets.emotion_bars import emotion_bars
from ui.widgets.live_probe import live_probe
from ui.widgets.mood_pad import mood_pad

came_from = require_router("live")
visitor, camera = visitor_state(), live_camera()
if came_from != "live":
    camera.stop()  # the connection went with the page
body = st.container(horizontal_alignment="center").container(width=1180)


def use_this_mood() -> None:
    """Keep what the camera shows just now, without a picture, and let go of the camera."""
    keep_up(visitor, camera)
    reading = camera.reading
    if reading is not None:
        faces = tuple(face.reading for face in reading.faces)
        visitor.show(None, ImageReading(faces))
        visitor.choose(ROOM if len(faces) > 1 else 0)
    camera.stop()


def set_by_hand(mood: Mood) -> None:
    """Whoever takes hold of the dot knows better than the camera."""
    use_this_mood()
    visitor.set_manually(mood)


def find_music() -> None:
    """Leave the camera be and start from the dot."""
    visitor.set_manually(visitor.mood or MIDDLE)
    navigate_to("playlist")


def look() -> None:
    """Notice what has happened to the connection since the last look."""
    connection = st.session_state.get(KEY)
    playing, signalling = (False, False) if connection is None else connection.state
    camera.look(playing=playing, signalling=signalling)


def connected() -> bool:
    """Return whether browser and server are connected, or about to be."""
    connection = st.session_state.get(KEY)
    return connection is not None and any(connection.state)


def read_here() -> Photo | None:
    """Return the visitor's reading if it is one of this page's."""
    return visitor.photo if visitor.photo is not None and visitor.photo.image is None else None


def settled_title(held: Photo) -> str:
    """Name the mood that has settled, as the visitor has corrected it."""
    if visitor.corrected_emotion is not None:
        feeling = wording.FEELINGS[visitor.corrected_emotion]
        return f"{feeling.glyph} {wording.capital(feeling.word)}, as you say"
    if visitor.manual_mood is not None:
        return f"{wording.capital(wording.place(visitor.manual_mood))}, as you set it"
    scores = held.scores
    title = wording.what_a_face_shows(scores)
    if held.chosen == ROOM:
        title = f"The room: {title[:1].lower()}{title[1:]}"
    return f"{wording.FEELINGS[scores.emotion].glyph} {title}"


def connect() -> None:
    """Mount the connection between browser and server."""
    # Until its frame has been heard of, a wish would reach it several times, and it would make
    # as many offers, of which the server answers one and the browser keeps another.
    there = st.session_state.get(generate_frontend_component_key(KEY)) is not None
    capture = camera.capture if there else None
    connection = st.session_state.get(KEY)
    if capture is not None and connection is not None:
        # It counts the runs that did not come by here, to notice that the page was left, which
        # we know better. Runs that other news interrupts on their way do not come by either,
        # and after two of them it would hang up.
        connection._last_rendered_run_count = None
    try:
        servers = ice_servers()
    except ValueError as error:
        # The log only: what is wrong may be next to a password.
        logging.getLogger(__name__).error("%s", error)
        st.error(
            f"{SETTING} cannot be used; the server's log says why.", icon=":material/settings:"
        )
        servers = []
    try:
        webrtc_streamer(
            key=KEY,
            mode=WebRtcMode.SENDRECV,
            rtc_configuration={"iceServers": servers},
            media_stream_constraints=CONSTRAINTS,
            desired_playing_state=capture is not None,
            video_frame_callback=capture.on_frame if capture else None,
            on_video_ended=capture.on_ended if capture else None,
            video_html_attrs={
                "autoPlay": True,
                "muted": True,
                "playsInline": True,
                "controls": False,
                "style": {"width": "100%", "borderRadius": "0.9rem"},
            },
            media_toggle_controls=False,
            sendback_audio=False,
        )
    except Exception:
        logging.getLogger(__name__).exception("The connection could not be made")
        if camera.capture is not None:
            camera.fail("unreachable")
            st.rerun()


def beside_the_picture() -> None:
    """Look what the stream has read, a few times a second; only this part is drawn again."""
    if closing:
        # The connection goes in a moment; what was read in the picture is there already.
        held = read_here()
        st.title(settled_title(held) if held else "One moment…", anchor=False)
        if held:
            emotion_bars(held.scores, key="closing-bars", by_size=False)
        return
    look()
    if camera.capture is None and not camera.waiting:
        st.rerun()
    keep_up(visitor, camera)
    reading = camera.reading
    if camera.collecting:
        hold_still()
        if reading is not None:
            bars_and_pad(reading)
        return
    if camera.resting is not None and camera.resting.problem:
        st.warning(camera.resting.problem, icon=":material/face:")
    if reading is None:
        wait()
        return
    if reading.is_stable and not camera.keep:
        use_this_mood()
        st.rerun()
    feeling = wording.FEELINGS[reading.emotion]
    who = "Looks" if len(reading.faces) == 1 else "The room looks"
    st.title(f"{feeling.glyph} {who} {feeling.word}", anchor=False)
    if camera.keep:
        st.markdown("Reading on until you say so.")
    else:
        seconds = max(1, math.ceil(reading.remaining))
        left = f"{seconds} second{'s' if seconds > 1 else ''}"
        st.progress(reading.progress, text=f"Hold that: settling in **{left}**")
    with st.container(horizontal=True):
        st.button(
            "Use this mood now",
            type="primary",
            icon=":material/check:",
            on_click=use_this_mood,
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
    what_was_learned(key="live")
    bars_and_pad(reading)
    if not camera.keep:
        st.caption(":material/lock: The camera stops by itself once the mood has settled.")


def bars_and_pad(reading: LiveReading) -> None:
    """Draw what the camera shows just now, twice."""
    bars, pad = st.columns(2)
    with bars:
        emotion_bars(reading.scores, key="live-bars", by_size=False)
    with pad:
        mood = room_mood([mood_of(face.reading.scores.as_dict()) for face in reading.faces])
        mood_pad(key="live-pad", point=mood, on_move=set_by_hand)


def hold_still() -> None:
    """Say what to do while the visitor's resting face is collected."""
    st.title("Your face at rest, please", anchor=False)
    st.markdown("Relax your face and look into the camera. It takes a second.")


def wait() -> None:
    """Say what is happening while there is nothing to read."""
    if camera.waiting:
        st.title("May we see you?", anchor=False)
        st.markdown("Your browser is asking whether this page may use the camera.")
    elif camera.capture is None or not camera.capture.stream.frames:
        st.title("Starting the camera…", anchor=False)
    else:
        st.title("Looking for a face…", anchor=False)
        st.markdown(f"What usually helps:\n{TIPS}")
    st.caption(f":material/lock: {diary.privacy()}", help=wording.LIVE_PROMISE)


look()
# No st.stop() on this page: it would leave the fragment of the run before alive.
closing = camera.capture is None and connected()
idle = camera.capture is None and not camera.waiting and not closing

keep_up(visitor, camera)

# What keeps the picture away
if camera.failed and not connected():
    ask, hand = body.columns([6, 5], gap="large", vertical_alignment="center")
    with ask:
        st.title(ADVICE[camera.failed].title, anchor=False)
        st.markdown(ADVICE[camera.failed].text)
        steps(camera.failed, on_again=camera.start)
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
elif idle and (held := read_here()):
    with body:
        st.title(settled_title(held), anchor=False)
        settled, pad = st.columns([6, 5], gap="large")
        with settled:
            room()
            emotion_bars(held.scores, key="settled-bars")
            correction()
            what_was_learned(key="settled")
            st.button("Keep reading", icon=":material/videocam:", on_click=camera.read_on)
        with pad:
            mood_pad(
                key="settled-pad",
                point=visitor.mood or held.mood,
                reading=held.mood,
                on_move=visitor.set_manually,
            )
        question()

# The camera
else:
    video, words_beside = body.columns([1, 1], gap="large")
    with video:
        live_probe(
            key="live-probe",
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
        )
        # There from the beginning, so that nothing has to be loaded once the button is pressed.
        with st.container(height="content" if camera.capture else 1, border=False):
            connect()
            if closing and not connected():
                st.rerun()  # it is gone: the last run before this one was on another page
        with st.container(horizontal=True, horizontal_alignment="distribute"):
            if not idle:
                st.button("Stop", icon=":material/stop_circle:", on_click=camera.stop)
            st.button(
                "No picture? Take a snapshot instead",
                type="tertiary",
                on_click=step_down,
                args=("camera",),
            )

    with words_beside:
        if idle:
            st.title("Let the camera catch your mood", anchor=False)
            st.markdown(
                "See it read on your face as it changes. Once it has held for two seconds, the "
                "music starts from there."
            )
            st.markdown(f"What helps:\n{TIPS}")
            st.caption(f":material/lock: {diary.privacy()}", help=wording.LIVE_PROMISE)
        else:
            st.fragment(beside_the_picture, run_every=0.4)()
