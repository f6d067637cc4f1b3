"""Diary: the moods of a month and the music that went with them, where it is switched on."""

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

from recommender.diary import summary
from recommender.diary.summary import Month
from ui import wording
from ui.diary import diary, identity, story
from ui.diary import view as diary_view
from ui.mood_entry import mood_entry
from ui.navigation import NOTICE_SECONDS, end_page, one_time_notice, require_router
from ui.state import visitor_state

require_router("diary")
visitor = visitor_state()
person = identity.who()

zone: tzinfo
try:
    zone = ZoneInfo(st.context.timezone or "")
except (ZoneInfoNotFoundError, ValueError, OSError):
    zone = datetime.now().astimezone().tzinfo or UTC
today = datetime.now(zone).date()
this_month = Month.of(today)

body = st.container(horizontal_alignment="center").container(width=900)

with body:
    with one_time_notice(diary_view.GONE, seconds=NOTICE_SECONDS) as gone:
        if gone is not None:
            st.success(wording.DELETED[gone], icon=":material/check:")

    entries, verdicts = diary.entries(), diary.verdicts()
    if not (diary.keeping() or entries or verdicts or diary.deleted()):
        diary_view.invitation(person, this_month)
        end_page()

    first_month = Month.of(entries[-1].at.astimezone(zone).date()) if entries else this_month
    month = max(first_month, min(st.session_state.get(diary_view.MONTH, this_month), this_month))
    of_month = summary.entries_in(entries, month, zone)

    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.title(f"Your {month.named(today)}", anchor=False, width="content")
        diary_view.switch()
    diary_view.problem()
    diary_view.undo_deletion()
    if not diary.keeping():
        st.caption("The diary is off. Nothing new is added, and earlier entries are still here.")

    if not entries:
        st.markdown("Nothing here yet. Your next playlist will be the first entry.")
        mood_entry(by_hand=True)
    else:
        st.markdown(story.month_sentence(of_month))
        if diary.keeping():
            diary.ask_how_it_ended(entries[0], visitor)

        calendar, timeline = st.columns([5, 4], gap="large")
        with calendar:
            diary_view.calendar(entries, month, first_month, today, zone)
        with timeline:
            diary_view.timeline(of_month, month, today, zone)
        diary_view.music(entries)
        diary_view.journeys(entries, zone)

    diary_view.way_out(entries, verdicts, visitor)
    diary_view.what_is_kept(person)
    if person.kind == "person":
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"Signed in as {wording.escape_markdown(person.name or 'yourself')}.",
                width="content",
            )
            st.button("Sign out", type="tertiary", on_click=st.logout)
