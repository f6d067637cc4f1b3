"""Playlist: the set for a mood, with a reason for every track."""

from functools import partial

import streamlit as st

from pages.components import services, words
from pages.components.mood_pad import mood_pad
from pages.components.music import current_set, play
from pages.components.state import require_router, visit
from pages.components.track_list import track_list
from pages.components.ways_in import ways_in
from recommender.export import to_csv, to_links, to_m3u

require_router("playlist")
me = visit()
body = st.container(horizontal_alignment="center").container(width=1080)

if me.mood is None:
    with body:
        st.title("First, a mood", anchor=False)
        st.markdown("The music starts from how you feel: read from your face, or set by hand.")
        ways_in(by_hand=True)
    st.stop()


def change_intent() -> None:
    me.intent, me.draw = st.session_state["intent"], 0


def change_genres() -> None:
    me.genres, me.draw = tuple(sorted(st.session_state["genres"])), 0


def another_set() -> None:
    me.draw += 1


with body:
    playlist = current_set(me)
    recommender, problem = services.recommender()
    st.title(
        words.capital(
            words.what_a_playlist_does(
                me.mood_in_words, playlist.intent, playlist.mood, playlist.target
            )
        ),
        anchor=False,
    )
    if problem:
        st.caption(f":material/info: {words.plain(problem)}")

    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.session_state["intent"] = playlist.intent
        st.segmented_control(
            words.QUESTION,
            list(words.CHOICES),
            format_func=lambda intent: f":gray[{words.CHOICES[intent].label}]",
            key="intent",
            required=True,
            on_change=change_intent,
            label_visibility="collapsed",
        )
        with st.container(horizontal=True, width="content", gap="xsmall"):
            st.button("Another set", icon=":material/refresh:", on_click=another_set)
            with st.popover("Genres", icon=":material/tune:"):
                st.session_state["genres"] = list(me.genres)
                st.multiselect(
                    "Only these genres",
                    sorted(recommender.catalog.genres()),
                    key="genres",
                    on_change=change_genres,
                    placeholder="All of them",
                )
            with st.popover("Save", icon=":material/bookmark:"):
                for label, data, file_name, mime in (
                    ("Playlist for a player (M3U)", to_m3u, "affectune.m3u", "audio/x-mpegurl"),
                    ("Table with reasons (CSV)", to_csv, "affectune.csv", "text/csv"),
                    ("Links to paste into Spotify", to_links, "affectune.txt", "text/plain"),
                ):
                    st.download_button(
                        label,
                        data(playlist),
                        file_name=file_name,
                        mime=mime,
                        on_click="ignore",
                        icon=":material/download:",
                        width="stretch",
                    )

    rows, journey = st.columns([5, 3], gap="large")
    current = me.playing.id if me.playing else None
    with rows:
        if not playlist.picks:
            st.markdown("No track of these genres is near. Try others, or all of them.")
        track_list(playlist.picks, key="tracks", current=current, on_play=partial(play, me))
    with journey:
        mood_pad(
            key="journey-pad",
            point=playlist.mood,
            reading=playlist.mood,
            journey=() if playlist.intent == "match" else (playlist.mood, *playlist.journey),
            goal=words.goal(playlist.target),
            picks=playlist.picks,
            current=current,
            fixed=True,
            caption="Every dot is a track. Tap one to play it.",
            on_pick=partial(play, me),
        )
