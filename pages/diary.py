"""Diary: the moods of a month and the music that went with them, for whoever switched it on."""

from datetime import datetime
from functools import partial
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from pages.components import diary, identity, words
from pages.components import diary_charts as charts
from pages.components import diary_story as story
from pages.components.diary_story import Month
from pages.components.state import require_router, visit
from pages.components.ways_in import ways_in
from recommender.diary import Entry, to_csv, to_json

require_router("diary")
me = visit()
person = identity.who()

KEEPS = (
    "It keeps the mood, the time, the names of the tracks, and what you like. Never a picture, "
    "and no other figure from a face. It is off until you switch it on."
)
LATELY = 6

try:
    zone = ZoneInfo(st.context.timezone or "")
except (ZoneInfoNotFoundError, ValueError, OSError):
    zone = datetime.now().astimezone().tzinfo
today = datetime.now(zone).date()
this_month = Month.of(today)


def switch() -> None:
    diary.switch(st.session_state["keep-diary"])


def leaf(by: int) -> None:
    st.session_state["diary-month"] = month.step(by)


def show_more() -> None:
    st.session_state["diary-shown"] = shown + 12


def delete_everything() -> None:
    st.session_state["diary-gone"] = diary.delete_everything(me)
    st.session_state.pop("diary-month", None)


def draw_switch() -> None:
    st.session_state["keep-diary"] = diary.keeping()
    st.toggle("Keep a diary", key="keep-diary", on_change=switch)


def draw_problem() -> None:
    if diary.problem():
        st.warning(words.plain(diary.problem()), icon=":material/info:")


def draw_sign_in() -> None:
    st.markdown("Sign in, so that your diary is yours alone. Then you can switch it on.")
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
    problem = st.session_state.pop("sign-in-problem", None)
    if problem:
        st.warning(problem, icon=":material/info:")


def draw_invitation() -> None:
    intro, picture = st.columns([5, 4], gap="large", vertical_alignment="center")
    with intro:
        st.title("A diary, if you want one", anchor=False)
        st.markdown(
            "See how a month felt, which music went with it, and where it took you. What you like "
            "is remembered for the next time."
        )
        if person.kind == "nobody":
            st.info(
                "Visitors cannot be told apart on this server, so nothing is kept here once you "
                "leave. On your own computer you can keep a diary.",
                icon=":material/info:",
            )
        elif person.kind == "stranger":
            draw_sign_in()
        else:
            draw_switch()
            draw_problem()
        st.caption(f":material/lock: {KEEPS}")
    with picture:
        st.altair_chart(
            charts.calendar_chart(story.example(this_month), faint=True),
            alt="An example of a month: a calendar with a face for the mood of each day",
        )
        st.caption("An example. Yours begins empty.", text_alignment="center")


def draw_calendar() -> None:
    days = story.days(entries, month, zone)
    in_words = story.month_in_words(days)
    st.altair_chart(charts.calendar_chart(days), alt=f"Moods in {month.named(today)}. {in_words}")
    if any(entry.emotion is None for entry in of_month):
        st.caption(f"{story.MARK} is a mood that you set by hand.")
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        st.button(
            month.step(-1).named(today),
            key="month-before",
            type="tertiary",
            icon=":material/chevron_left:",
            disabled=month <= first_month,
            on_click=leaf,
            args=(-1,),
        )
        st.button(
            month.step(1).named(today),
            key="month-after",
            type="tertiary",
            icon=":material/chevron_right:",
            icon_position="right",
            disabled=month >= this_month,
            on_click=leaf,
            args=(1,),
        )


def draw_entry(entry: Entry, *, expanded: bool) -> None:
    with st.expander(
        f"{story.title(entry)} · {story.when(entry, zone)}",
        type="step",
        icon=words.FEELINGS[entry.emotion].glyph if entry.emotion else ":material/touch_app:",
        expanded=expanded,
    ):
        st.markdown(story.what_it_did(entry))
        if entry.tracks:
            shown = sorted(entry.tracks, key=lambda track: track not in entry.liked)[:4]
            lines = [
                f"- [{words.plain(track.title)}]({track.url}) · "
                f"{words.plain(', '.join(track.artists))}"
                f"{' · liked' if track in entry.liked else ''}"
                for track in shown
            ]
            if len(entry.tracks) > len(shown):
                lines.append(f"- and {len(entry.tracks) - len(shown)} more")
            st.markdown("\n".join(lines))
        if entry.ended:
            felt = words.FEELINGS[entry.ended]
            st.markdown(f"Afterwards: {felt.word} {felt.glyph}")
        st.caption(story.SAYS[entry.source])
        st.button(
            "Delete this entry",
            key=f"forget-{entry.id}",
            type="tertiary",
            icon=":material/delete:",
            on_click=diary.forget,
            args=(entry.id,),
        )


def draw_timeline() -> None:
    st.header("Lately" if month == this_month else month.named(today), anchor=False)
    if not of_month:
        st.markdown("Nothing in this month.")
    for place, entry in enumerate(of_month[:shown]):
        draw_entry(entry, expanded=place == 0)
    if len(of_month) > shown:
        st.button("Earlier ones", icon=":material/expand_more:", on_click=show_more)


def draw_music() -> None:
    genres = story.genres_by_feeling(entries)
    liked = story.liked_by_feeling(entries)
    if not genres and not liked:
        return
    st.header("What went with what", anchor=False)
    left, right = st.columns([5, 4], gap="large")
    with left:
        if genres:
            sentence = story.what_stands_out(genres)
            st.markdown(f"{sentence} The larger a dot, the more tracks.".strip())
            st.altair_chart(charts.genre_chart(genres), alt=f"Tracks by genre and mood. {sentence}")
            with st.expander("As a table", type="compact"):
                st.table(
                    [
                        {
                            "Genre": words.plain(genre),
                            **{
                                words.FEELINGS[emotion].word: str(counts[emotion])
                                for emotion in words.FEELINGS
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
            st.markdown("Nothing yet. Tap *Like* while a track plays, and it is remembered here.")
        for felt, tracks in liked.items():
            names = ", ".join(f"[{words.plain(track.title)}]({track.url})" for track in tracks)
            st.markdown(f"{story.glyph(felt)} {words.capital(story.name(felt))}: {names}")


def draw_journeys() -> None:
    ended = story.journeys(entries)
    st.header("How journeys ended", anchor=False)
    if not ended:
        st.markdown(
            f"{story.liked_share(entries)} Tap how you feel after a playlist, and you see here "
            "where the music left you."
        )
        return
    sentence = story.how_they_ended(ended)
    st.markdown(f"{sentence} That the music did it, nobody can say: moods pass by themselves, too.")
    latest = {story.when(journey.entry, zone, month=True): journey for journey in ended[:10]}
    st.altair_chart(
        charts.journey_chart(list(latest.values()), list(latest)),
        alt="Moods before and after, from unpleasant to pleasant. "
        + "; ".join(
            f"{when}: {story.name(story.feeling(journey.entry))}, "
            f"then {story.name(journey.entry.ended or '')}"
            for when, journey in latest.items()
        ),
    )


def draw_taking_along() -> None:
    with st.container(horizontal=True):
        with st.popover("Export", icon=":material/download:"):
            st.markdown("Everything that is kept about you, to take along.")
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
            st.markdown(
                f"All {len(entries):,} entries and {len(verdicts):,} likes and dislikes, for good. "
                "The diary is off afterwards."
            )
            st.button(
                "Yes, delete everything",
                type="primary",
                icon=":material/delete_forever:",
                on_click=delete_everything,
            )


body = st.container(horizontal_alignment="center").container(width=900)

with body:
    gone = st.session_state.pop("diary-gone", None)
    if gone is not None:
        st.success(
            "Everything is deleted, and gone from the database's file."
            if gone
            else "Everything is deleted. Another program is using the database's file, so remains "
            "of it can be there until the next thing is deleted.",
            icon=":material/check:",
        )

    entries, verdicts = diary.entries(), diary.verdicts()
    if not diary.keeping() and not entries and not verdicts:
        draw_invitation()
        st.stop()

    first_month = Month.of(entries[-1].at.astimezone(zone).date()) if entries else this_month
    month = max(first_month, min(st.session_state.get("diary-month", this_month), this_month))
    shown = st.session_state.get("diary-shown", LATELY)
    of_month = story.within(entries, month, zone)

    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.title(f"Your {month.named(today)}", anchor=False, width="content")
        draw_switch()
    draw_problem()
    if not diary.keeping():
        st.caption("The diary is off: nothing new is written. What was written is still here.")

    if not entries:
        st.markdown("Nothing in it yet. The next playlist will be the first entry.")
        ways_in(by_hand=True)
    else:
        st.markdown(story.summary(of_month))
        if diary.keeping():
            diary.ask_how_it_ended(entries[0])

        calendar, timeline = st.columns([5, 4], gap="large")
        with calendar:
            draw_calendar()
        with timeline:
            draw_timeline()
        draw_music()
        draw_journeys()

    draw_taking_along()
    st.caption(f":material/lock: {KEEPS}")
    if person.kind == "person":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(f"Signed in as {words.plain(person.name or 'yourself')}.", width="content")
            st.button("Sign out", type="tertiary", on_click=st.logout)
