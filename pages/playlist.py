"""Playlist: the set for a mood, with the reasons for its tracks."""

from functools import partial

import streamlit as st

from recommender.session import minutes_of
from ui import services, wording
from ui.diary import diary
from ui.mood_entry import mood_entry
from ui.navigation import end_page, require_router
from ui.playlist import controls, music
from ui.spotify import lookup
from ui.state import visitor_state
from ui.widgets.mood_pad import mood_pad
from ui.widgets.share_link import close_link, read_link, written
from ui.widgets.track_list import track_list

require_router("playlist")
visitor = visitor_state()
body = st.container(horizontal_alignment="center").container(width=1080)
read_link(visitor)
shared = visitor.shared

if shared is not None and shared.playlist is None:
    with body:
        st.title("This link doesn’t work", anchor=False)
        st.markdown(wording.escape_markdown(shared.notes[0]))
        if visitor.mood is None:
            mood_entry(by_hand=True)
        else:
            st.button("My own music", type="primary", on_click=close_link, args=(visitor,))
    end_page()

if shared is None and visitor.mood is None:
    with body:
        st.title("How do you feel?", anchor=False)
        st.markdown("Music starts from your mood: read from your face, or set by hand.")
        mood_entry(by_hand=True)
    end_page()

with body:
    playlist = shared.playlist if shared and shared.playlist else music.current_set(visitor)
    _, problem = services.recommender()
    what = wording.playlist_title(
        wording.describe_mood(playlist.mood).removeprefix("in ")
        if shared
        else visitor.mood_in_words,
        playlist.intent,
        playlist.mood,
        playlist.target,
        everyone=not shared and visitor.everyone,
    )
    st.title("A set someone shared with you" if shared else what, anchor=False)
    if problem:
        st.caption(f":material/info: {wording.escape_markdown(problem)}")
    if not shared and (unavailable := lookup.why_no_extras()):
        st.caption(f":material/info: {wording.escape_markdown(unavailable)}")

    if visitor.start and not shared:
        music.play_set(visitor, playlist)
    visitor.start = False
    controls.play_set(visitor, playlist)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if shared:
            with st.container(width="content", gap=None):
                st.markdown(f"{what}.")
                for note in shared.notes:
                    st.caption(f":material/info: {note}")
        else:
            controls.intents(visitor)
        with st.container(horizontal=True, width="content", gap="xsmall"):
            if shared:
                st.button(
                    "Music for my own mood",
                    icon=":material/arrow_back:",
                    on_click=close_link,
                    args=(visitor,),
                )
            else:
                controls.another_set(visitor)
                controls.tune(visitor)
            controls.save(visitor, playlist, written(visitor, playlist))
    asked = "" if shared else wording.describe_filters(visitor.filters)
    if asked:
        st.caption(
            f":material/filter_alt: {wording.escape_markdown(wording.capitalize_first(asked))}"
        )
    if not shared and (unmarked := music.not_known_clean(visitor, playlist)):
        st.caption(f":material/info: {wording.escape_markdown(unmarked)}")

    rows, journey = st.columns([5, 3], gap="large")
    current = visitor.playing.id if visitor.playing else None
    with rows:
        if not shared:
            diary.ask_after_music(visitor)
        track_list(
            playlist.picks,
            key="tracks",
            current=current,
            liked=visitor.liked,
            change=music.announcement(visitor),
            on_play=partial(music.play, visitor),
            on_verdict=partial(music.judge, visitor),
            on_ban=None if shared else partial(music.ban, visitor),
            on_similar=None if shared else partial(music.more_like, visitor),
            on_undo=partial(music.undo, visitor),
        )
        if not shared:
            controls.too_few(visitor, playlist)
    with journey:
        mood_pad(
            key="journey-pad",
            point=playlist.mood,
            reading=playlist.mood,
            # A single track has no path to draw, only an end.
            journey=()
            if playlist.intent == "match" or len(playlist.picks) < 2
            else (playlist.mood, *playlist.journey),
            start="start" if shared else "you",
            goal=wording.goal_in_words(playlist.mood, playlist.target),
            picks=playlist.picks,
            current=current,
            fixed=True,
            caption="Every dot is a track. Tap one to play it.",
            on_pick=partial(music.play, visitor),
        )
        count, minutes = len(playlist.picks), minutes_of(playlist)
        st.caption(
            f"{count} track{'' if count == 1 else 's'}, "
            f"about {minutes} minute{'' if minutes == 1 else 's'}",
            text_alignment="center",
        )
