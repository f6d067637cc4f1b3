"""Diary entries for tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from recommender.diary import Entry, KeptTrack
from recommender.mood import mood_of_emotion
from recommender.types import Mood


def entry(
    number: int,
    emotion: str | None,
    at: datetime,
    *,
    ended: str | None = None,
    genres: Sequence[str] = ("folk",),
    liked: bool = False,
) -> Entry:
    track = KeptTrack(f"{number:022d}", f"Song *{number}*", (f"Artist {number}",), tuple(genres))
    return Entry(
        id=number,
        at=at,
        source="face" if emotion else "placed",
        emotion=emotion,
        mood=mood_of_emotion(emotion) if emotion else Mood(0.3, -0.4),
        target=Mood(0.6, 0.25),
        intent="shift",
        tracks=(track,),
        opinions={track.id: "like"} if liked else {},
        ended=ended,
    )
