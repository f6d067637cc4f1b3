"""A diary as text to export, CSV or JSON, to be encoded as UTF-8."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from recommender.diary.records import Entry, KeptTrack, KeptVerdict
from recommender.sharing.spreadsheet import harmless

COLUMNS: Final = (
    *("entry", "at", "source", "emotion", "valence", "arousal", "intent"),
    *("target_valence", "target_arousal", "felt_afterwards"),
    *("position", "title", "artists", "genres", "url", "verdict"),
)


def to_csv(entries: Iterable[Entry]) -> str:
    """Return a CSV with a header and one row per track; a playlist without tracks has one row.

    Times are ISO 8601 in UTC. Several artists or genres go into one cell, and a text that a
    spreadsheet would run as a formula is preceded by an apostrophe (OWASP, "CSV injection").
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for entry in entries:
        start: list[str | int | float] = [
            entry.id,
            _time(entry.at),
            entry.source,
            entry.emotion or "",
            entry.mood.valence,
            entry.mood.arousal,
            entry.intent,
            entry.target.valence,
            entry.target.arousal,
            entry.ended or "",
        ]
        if not entry.tracks:
            writer.writerow([*start, *[""] * (len(COLUMNS) - len(start))])
        for position, track in enumerate(entry.tracks, start=1):
            writer.writerow(
                [
                    *start,
                    position,
                    harmless(track.title),
                    harmless("; ".join(track.artists)),
                    harmless("; ".join(track.genres)),
                    track.url,
                    entry.opinions.get(track.id, ""),
                ]
            )
    return out.getvalue()


def to_json(entries: Sequence[Entry], verdicts: Sequence[KeptVerdict]) -> str:
    """Return everything that is kept, as JSON: ``{"diary": 1, "entries": […], "verdicts": […]}``.

    Verdicts stand on their own, because a track may have been judged in a set that another one
    has replaced since.
    """
    return json.dumps(
        {
            "diary": 1,
            "entries": [_entry(entry) for entry in entries],
            "verdicts": [
                {
                    **_track(one.track),
                    "verdict": one.verdict,
                    "at": _time(one.at),
                    "valence": one.mood.valence,
                    "arousal": one.mood.arousal,
                }
                for one in verdicts
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "at": _time(entry.at),
        "source": entry.source,
        "emotion": entry.emotion,
        "valence": entry.mood.valence,
        "arousal": entry.mood.arousal,
        "intent": entry.intent,
        "target": {"valence": entry.target.valence, "arousal": entry.target.arousal},
        "felt_afterwards": entry.ended,
        "tracks": [
            {**_track(track), "verdict": entry.opinions.get(track.id)} for track in entry.tracks
        ],
    }


def _track(track: KeptTrack) -> dict[str, Any]:
    return {
        "id": track.id,
        "title": track.title,
        "artists": list(track.artists),
        "genres": list(track.genres),
        "url": track.url,
    }


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
