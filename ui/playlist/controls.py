"""What the visitor can set about a playlist, and the ways to save or share it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from recommender.journey import offered_intents
from recommender.loosening import lifted
from recommender.session import falls_short
from recommender.sharing import export
from recommender.types import EVERYTHING, Playlist
from ui import services, wording
from ui.playlist import music
from ui.spotify.panel import offers_to_save, play_section, save_section
from ui.state import VisitorState
from ui.widgets.share_link import share_link
from ui.widgets.steps_slider import steps_slider

LENGTHS: Final = {30: "30 min", 60: "1 hour", 90: "1½ h", 120: "2 hours"}

Format = tuple[str, Callable[[Playlist], str], str, str]
"""Label, export, suffix and media type."""

FORMATS: Final[tuple[Format, ...]] = (
    ("Playlist (M3U8)", export.to_m3u8, "m3u8", "audio/x-mpegurl"),
    ("Playlist (XSPF)", export.to_xspf, "xspf", "application/xspf+xml"),
    ("Playlist (JSPF)", export.to_jspf, "jspf", "application/json"),
    ("Table with reasons (CSV)", export.to_csv, "csv", "text/csv"),
    ("Links (TXT)", export.to_links, "txt", "text/plain"),
)


def intents(visitor: VisitorState) -> None:
    """Ask again what the music should do, with the present answer selected."""

    def change() -> None:
        visitor.intent, visitor.draw = st.session_state["intent"], 0

    offered = offered_intents(visitor.mood) if visitor.mood else ()
    st.session_state["intent"] = visitor.intent
    st.segmented_control(
        wording.QUESTION,
        [intent for intent in wording.CHOICES if intent in (*offered, visitor.intent)],
        format_func=lambda intent: f":gray[{wording.CHOICES[intent].label}]",
        key="intent",
        required=True,
        on_change=change,
        label_visibility="collapsed",
        wrap=True,
    )


def play_set(visitor: VisitorState, playlist: Playlist) -> None:
    """Offer to play the set from its first track."""
    if playlist.picks:
        st.button(
            "Play the set",
            key="play-set",
            type="primary",
            icon=":material/play_arrow:",
            width=320,
            on_click=music.play_set,
            args=(visitor, playlist),
        )


def another_set(visitor: VisitorState) -> None:
    """Offer a set of other tracks."""

    def draw() -> None:
        visitor.draw += 1

    st.button("Another set", icon=":material/refresh:", on_click=draw)


def tune(visitor: VisitorState) -> None:
    """Offer all other options, behind one button."""
    with st.popover("Tune", icon=":material/tune:", key="tune"):
        how_far_and_long(visitor)
        _filters(visitor)
        for artist in visitor.filters.without_artists:
            st.button(
                f"Allow {wording.escape_markdown(artist)} again",
                key=f"allow-{artist}",
                type="tertiary",
                icon=":material/undo:",
                on_click=music.allow,
                args=(visitor, artist),
            )
        if visitor.filters != EVERYTHING:
            st.button(
                "Clear filters",
                type="tertiary",
                icon=":material/filter_alt_off:",
                on_click=visitor.apply_filters,
                args=(EVERYTHING,),
            )


def how_far_and_long(visitor: VisitorState) -> None:
    """Ask how familiar the music should be, and how long a set."""

    def set_adventure(step: int) -> None:
        visitor.adventure, visitor.draw = list(wording.ADVENTURE)[step], 0

    def set_minutes() -> None:
        visitor.minutes, visitor.draw = st.session_state["minutes"], 0

    steps_slider(
        "From familiar to adventurous",
        list(wording.ADVENTURE.values()),
        key="adventure",
        step=list(wording.ADVENTURE).index(visitor.adventure),
        on_step=set_adventure,
    )
    st.session_state["minutes"] = visitor.minutes
    st.segmented_control(
        "How long",
        list(LENGTHS),
        format_func=lambda minutes: f":gray[{LENGTHS[minutes]}]",
        key="minutes",
        required=True,
        on_change=set_minutes,
    )


def _filters(visitor: VisitorState) -> None:
    choices = services.choices()

    def change(name: str) -> None:
        chosen = st.session_state[name]
        changes: dict[str, Any] = {
            name: chosen if isinstance(chosen, bool) else tuple(sorted(chosen))
        }
        # Where the two lists of genres contradict each other, the later choice counts.
        other = {"genres": "without_genres", "without_genres": "genres"}.get(name)
        if other:
            listed = getattr(visitor.filters, other)
            changes[other] = tuple(genre for genre in listed if genre not in chosen)
        visitor.apply_filters(replace(visitor.filters, **changes))

    def show(name: str) -> None:
        value = getattr(visitor.filters, name)
        st.session_state[name] = value if isinstance(value, bool) else list(value)

    show("genres")
    st.multiselect(
        "Only these genres",
        choices.genres,
        key="genres",
        on_change=change,
        args=("genres",),
        placeholder="Any",
    )
    show("without_genres")
    st.multiselect(
        "Without these genres",
        choices.genres,
        key="without_genres",
        on_change=change,
        args=("without_genres",),
        placeholder="None",
    )
    if choices.decades:
        show("decades")
        st.pills(
            "Only these decades",
            choices.decades,
            selection_mode="multi",
            format_func=lambda decade: f":gray[{decade}s]",
            key="decades",
            on_change=change,
            args=("decades",),
            wrap=True,
        )
    if choices.languages:
        show("languages")
        st.multiselect(
            "Only in these languages",
            choices.languages,
            format_func=wording.language_name,
            key="languages",
            on_change=change,
            args=("languages",),
            placeholder="Any",
        )
    if choices.explicit:
        show("explicit")
        st.toggle("Allow explicit tracks", key="explicit", on_change=change, args=("explicit",))
    else:
        st.caption("This catalogue doesn’t mark explicit tracks.")


def too_few(visitor: VisitorState, playlist: Playlist) -> None:
    """If the filters leave too few tracks, say so and offer to loosen or clear them."""
    if not falls_short(playlist, visitor.minutes):
        return
    if visitor.filters == EVERYTHING:
        st.markdown("That’s all the music we have near this mood.")
        return
    passing = music.passing(visitor)
    st.markdown(wording.escape_markdown(wording.too_few_tracks(passing)))
    with st.container(horizontal=True):
        if passing.best is not None and len(passing.without) > 1:
            name = wording.filter_in_words(passing.filters, passing.best)
            st.button(
                f"Play without {wording.escape_markdown(name)}",
                key="loosen",
                icon=":material/filter_alt:",
                on_click=visitor.apply_filters,
                args=(lifted(visitor.filters, passing.best),),
            )
        if visitor.filters_before not in (visitor.filters, EVERYTHING):
            st.button(
                "Undo",
                icon=":material/undo:",
                on_click=visitor.apply_filters,
                args=(visitor.filters_before,),
            )
        st.button(
            "Clear filters",
            key="everything",
            icon=":material/filter_alt_off:",
            on_click=visitor.apply_filters,
            args=(EVERYTHING,),
        )


def save(visitor: VisitorState, playlist: Playlist, link: str) -> None:
    """Offer the set as a link, and in the visitor's account or as a file; the rest in "More ways".

    Args:
        visitor: who saves it.
        playlist: the set.
        link: its text, from `recommender.sharing.link.encode`.
    """
    # A fixed width: otherwise the popover would move when "More ways" is opened.
    with st.popover("Save", icon=":material/bookmark:", key="save"), st.container(width=320):
        share_link(link, key="share")
        first, *more = FORMATS
        if offers_to_save(playlist):
            save_section(visitor, playlist)
            more = [first, *more]
        else:
            _download(first, playlist, label="Download the set")
        with st.expander("More ways", type="compact"):
            play_section(visitor, playlist)
            for one in more:
                _download(one, playlist)
            st.markdown("You can paste the links, or this list, into a playlist in Spotify:")
            st.code(export.to_text(playlist), language=None, wrap_lines=True)


def _download(format_: Format, playlist: Playlist, *, label: str = "") -> None:
    named, export_as, suffix, mime = format_
    st.download_button(
        label or named,
        export_as(playlist),
        key=f"download-{suffix}",
        file_name=f"affectune.{suffix}",
        mime=mime,
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
    )
