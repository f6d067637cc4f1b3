"""The parts of the diary page: invitation, month, music, journeys, export and deletion."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, tzinfo
from functools import partial

import streamlit as st

from recommender.diary import Entry, KeptVerdict, summary, to_csv, to_json
from recommender.diary.summary import Month
from ui import wording
from ui.diary import charts, diary, identity, story
from ui.navigation import NOTICE_SECONDS, one_time_notice
from ui.state import VisitorState

KEEPS = (
    "It keeps the mood, the time, the names of the tracks, and what you like. Never a picture, "
    "and nothing else from your face."
)
OFF_AT_FIRST = "It’s off until you switch it on."
FIRST_ENTRIES = 6
MONTH, SHOWN, GONE = "diary-month", "diary-shown", "diary-gone"
"""Keys in the session's state: the month and how many entries are shown; what was deleted."""


def switch() -> None:
    """Draw the switch that turns the diary on and off."""
    st.session_state["keep-diary"] = diary.keeping()
    st.toggle("Keep a diary", key="keep-diary", on_change=_switch)


def problem() -> None:
    """Say what failed last, if anything did."""
    failed = diary.problem()
    if failed:
        st.warning(wording.escape_markdown(failed), icon=":material/info:")


def undo_deletion() -> None:
    """Offer to undo the deletion of an entry."""
    entry = diary.deleted()
    if entry is None:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"Deleted “{story.title(entry)}”.", width="content")
        st.button("Undo", type="tertiary", icon=":material/undo:", on_click=diary.restore_deleted)


def what_is_kept(person: identity.Identity) -> None:
    """Say what a diary keeps and, on your own computer, what it assumes."""
    kept = KEEPS if diary.keeping() else f"{KEEPS} {OFF_AT_FIRST}"
    st.caption(f":material/lock: {kept}")
    if person.kind == "computer":
        st.caption(wording.DIARY_ASSUMES)


def invitation(person: identity.Identity, this_month: Month) -> None:
    """Draw the page of a visitor who keeps no diary."""
    intro, picture = st.columns([5, 4], gap="large", vertical_alignment="center")
    with intro:
        st.title("A diary, if you want one", anchor=False)
        st.markdown(
            "See how a month felt, which music went with it, and where it took you. Your likes are "
            "remembered for next time."
        )
        if person.kind == "nobody":
            st.info(
                "This server can’t tell its visitors apart, so it keeps nothing once you leave. "
                "You can keep a diary on your own computer.",
                icon=":material/info:",
            )
        elif person.kind == "stranger":
            _sign_in()
        else:
            switch()
            problem()
        what_is_kept(person)
    with picture:
        st.altair_chart(
            charts.calendar_chart(summary.example_month(this_month), faint=True),
            alt="An example of a month: a calendar with a face for the mood of each day",
        )
        st.caption("An example. Yours starts empty.", text_alignment="center")


def calendar(
    entries: Sequence[Entry], month: Month, first_month: Month, today: date, zone: tzinfo
) -> None:
    """Draw a month's days, each with a face for its mood, and buttons to other months."""
    days = summary.days_of(entries, month, zone)
    in_words = story.days_in_words(days)
    st.altair_chart(charts.calendar_chart(days), alt=f"Moods in {month.named(today)}. {in_words}")
    if any(entry.emotion is None for entry in summary.entries_in(entries, month, zone)):
        st.caption(f"{story.BY_HAND_GLYPH} marks a mood you set by hand.")
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.button(
            month.step(-1).named(today),
            key="month-before",
            type="tertiary",
            icon=":material/chevron_left:",
            disabled=month <= first_month,
            on_click=_show_month,
            args=(month.step(-1),),
        )
        st.button(
            month.step(1).named(today),
            key="month-after",
            type="tertiary",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=month >= Month.of(today),
            on_click=_show_month,
            args=(month.step(1),),
        )


def timeline(of_month: Sequence[Entry], month: Month, today: date, zone: tzinfo) -> None:
    """Draw a month's entries, the latest first and open."""
    st.header("Lately" if month == Month.of(today) else month.named(today), anchor=False)
    shown = st.session_state.get(SHOWN, FIRST_ENTRIES)
    if not of_month:
        st.markdown("Nothing this month.")
    for place, entry in enumerate(of_month[:shown]):
        _entry(entry, zone, expanded=place == 0)
    if len(of_month) > shown:
        st.button("Show earlier", icon=":material/expand_more:", on_click=_show, args=(shown + 12,))


def music(entries: Sequence[Entry]) -> None:
    """Draw which genres came with which mood, and what was liked in each."""
    genres = summary.genres_by_feeling(entries)
    liked = summary.liked_by_feeling(entries)
    if not genres and not liked:
        return
    st.header("Your music by mood", anchor=False)
    left, right = st.columns([5, 4], gap="large")
    with left:
        if genres:
            sentence = story.what_stands_out(genres)
            st.markdown(f"{sentence} Bigger dots mean more tracks.".strip())
            plain = story.what_stands_out(genres, plain=str)
            st.altair_chart(charts.genre_chart(genres), alt=f"Tracks by genre and mood. {plain}")
            with st.expander("As a table", type="compact"):
                st.table(
                    [
                        {
                            "Genre": wording.escape_markdown(genre),
                            **{
                                wording.FEELINGS[emotion].word: str(counts[emotion])
                                for emotion in wording.FEELINGS
                                if any(found[emotion] for found in genres.values())
                            },
                        }
                        for genre, counts in genres.items()
                    ],
                    hide_index=True,
                    border="horizontal",
                    alt="How many tracks of each genre came with each mood",
                )
    with right:
        st.markdown("**What you liked**")
        if not liked:
            st.markdown("Nothing yet. Tap *Like* while a track plays to see it here.")
        for felt, tracks in liked.items():
            names = ", ".join(
                f"[{wording.escape_markdown(track.title)}]({track.url})" for track in tracks
            )
            st.markdown(
                f"{story.glyph(felt)} {wording.capitalize_first(story.name(felt))}: {names}"
            )


def journeys(entries: Sequence[Entry], zone: tzinfo) -> None:
    """Draw the moods before and after playlists, where the visitor told the one after."""
    ended = summary.journeys(entries)
    st.header("Before and after", anchor=False)
    if not ended:
        st.markdown(
            f"{summary.liked_sentence(entries)} Tap how you feel after a playlist, and you’ll "
            "see here where the music took you."
        )
        return
    sentence = summary.how_they_ended(ended)
    st.markdown(
        f"{sentence} Moods change on their own too, so this doesn’t prove the music did it."
    )
    latest = {summary.when(journey.entry, zone, month=True): journey for journey in ended[:10]}
    st.altair_chart(
        charts.journey_chart(list(latest.values()), list(latest)),
        alt="Moods before and after, from unpleasant to pleasant. "
        + "; ".join(
            f"{when}: {story.name(summary.feeling(journey.entry))}, "
            f"then {story.name(journey.entry.ended or '')}"
            for when, journey in latest.items()
        ),
    )


def way_out(
    entries: Sequence[Entry], verdicts: Sequence[KeptVerdict], visitor: VisitorState
) -> None:
    """Draw the buttons that export everything, and that delete it."""
    with st.container(horizontal=True):
        with st.popover("Export", icon=":material/download:"):
            st.markdown("Everything your diary keeps about you.")
            st.download_button(
                "Table (CSV)",
                partial(to_csv, entries),
                file_name="affectune-diary.csv",
                mime="text/csv",
                on_click="ignore",
                icon=":material/table:",
                width="stretch",
            )
            st.download_button(
                "Everything (JSON)",
                partial(to_json, entries, verdicts),
                file_name="affectune-diary.json",
                mime="application/json",
                on_click="ignore",
                icon=":material/data_object:",
                width="stretch",
            )
        with st.popover("Delete everything", icon=":material/delete:", type="tertiary"):
            moods = "1 entry" if len(entries) == 1 else f"{len(entries):,} entries"
            likes = "like or dislike" if len(verdicts) == 1 else "likes and dislikes"
            st.markdown(
                f"This deletes {moods} and {len(verdicts):,} {likes} for good, and switches the "
                "diary off."
            )
            st.button(
                "Yes, delete everything",
                type="primary",
                icon=":material/delete_forever:",
                on_click=_delete_everything,
                args=(visitor,),
            )


def _sign_in() -> None:
    st.markdown("Sign in so that only you can see your diary. Then you can switch it on.")
    with st.container(horizontal=True):
        for provider in identity.providers():
            st.button(
                f"Sign in with {provider}" if provider else "Sign in",
                key=f"sign-in-{provider}",
                type="primary",
                icon=":material/login:",
                on_click=identity.sign_in,
                args=(provider,),
            )
    with one_time_notice("sign-in-problem", seconds=NOTICE_SECONDS) as failed:
        if failed:
            st.warning(failed, icon=":material/info:")


def _entry(entry: Entry, zone: tzinfo, *, expanded: bool) -> None:
    with st.expander(
        f"{story.title(entry)} · {summary.when(entry, zone)}",
        type="step",
        icon=wording.FEELINGS[entry.emotion].glyph if entry.emotion else ":material/touch_app:",
        expanded=expanded,
    ):
        st.markdown(story.what_it_did(entry))
        if entry.tracks:
            shown = sorted(entry.tracks, key=lambda track: track not in entry.liked)[:4]
            lines = [
                f"- [{wording.escape_markdown(track.title)}]({track.url}) · "
                f"{wording.escape_markdown(', '.join(track.artists))}"
                f"{' · liked' if track in entry.liked else ''}"
                for track in shown
            ]
            if len(entry.tracks) > len(shown):
                lines.append(f"- and {len(entry.tracks) - len(shown)} more")
            st.markdown("\n".join(lines))
        if entry.ended:
            felt = wording.FEELINGS[entry.ended]
            st.markdown(f"Afterwards: {felt.word} {felt.glyph}")
        st.caption(story.SOURCES[entry.source])
        st.button(
            "Delete this entry",
            key=f"forget-{entry.id}",
            type="tertiary",
            icon=":material/delete:",
            on_click=diary.forget,
            args=(entry,),
        )


def _switch() -> None:
    diary.switch(st.session_state["keep-diary"])


def _show_month(month: Month) -> None:
    st.session_state[MONTH] = month


def _show(count: int) -> None:
    st.session_state[SHOWN] = count


def _delete_everything(visitor: VisitorState) -> None:
    st.session_state[GONE] = diary.delete_everything(visitor)
    st.session_state.pop(MONTH, None)
