"""The mood pad: the valence-arousal plane as an input and a map. The same on every page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import streamlit as st

from emotion.labels import EMOTIONS
from recommender.mood import CALM, COORDINATES
from recommender.types import Mood, Pick
from ui import browser_values, wording
from ui.widgets.frontend import component

_pad = component("mood_pad")

TEXTS: Final = {
    "top": "full of energy",
    "bottom": "quiet",
    "left": "unpleasant",
    "right": "pleasant",
    "face": "your face",
    "start": "you",
    "back": "Back to my face",
    "valence": "How pleasant it feels",
    "arousal": "How much energy it has",
    "summary": (
        "Mood pad: unpleasant to pleasant from left to right, "
        "quiet to full of energy from bottom to top."
    ),
}

# Anger, fear and disgust lie so close that their glyphs would cover one another.
_NUDGE: Final = {"fear": (-9, -6), "angry": (9, -3), "disgust": (-2, 5)}


def mood_pad(
    *,
    key: str,
    point: Mood,
    reading: Mood | None = None,
    journey: Sequence[Mood] = (),
    start: str = TEXTS["start"],
    goal: str = "",
    picks: Sequence[Pick] = (),
    current: str | None = None,
    fixed: bool = False,
    caption: str = "",
    on_device: bool = False,
    on_move: Callable[[Mood], None] | None = None,
    on_pick: Callable[[str], None] | None = None,
) -> None:
    """Draw the pad.

    Python's state is authoritative: `point` goes in, and a gesture comes back through a callback,
    which runs before the next script run. A return value would come too late, and would outlive a
    correction made elsewhere on the page.

    Args:
        key: unique on the page.
        point: where the dot is.
        reading: where the face's mood is, drawn as a dashed ring.
        journey: the path of a playlist, first to last; `start` and `goal` name its ends.
        picks: the playlist's tracks, one dot each; `current` is the id of the playing one.
        fixed: whether it is read-only: no dot to move, and `caption` below instead of the place in
            words.
        on_device: whether the dot follows the camera that the visitor's browser reads.
        on_move: called with the mood, once a gesture has ended.
        on_pick: called with a track's id.
    """
    heard = f"{key}-turn"

    def moved() -> None:
        gesture = browser_values.sent(key, "point", _gesture)
        # A newly mounted pad may repeat the last gesture of the previous one.
        if gesture and gesture[0] > st.session_state.get(heard, 0):
            st.session_state[heard], mood = gesture
            if on_move is not None:
                on_move(mood)

    def picked() -> None:
        track = browser_values.sent(key, "track", browser_values.text)
        if track and on_pick is not None:
            on_pick(track)

    _pad(
        key=key,
        on_point_change=moved,
        on_track_change=picked,
        data={
            "turn": st.session_state.get(heard, 0),
            "point": _at(point),
            "reading": None if reading is None else _at(reading),
            "journey": [_at(mood) for mood in journey],
            "goal": goal,
            "tracks": [_track(number, pick) for number, pick in enumerate(picks, start=1)],
            "current": current,
            "fixed": fixed,
            "caption": caption,
            "emotions": [_at(COORDINATES[emotion]) for emotion in EMOTIONS] if on_device else None,
            "landmarks": _landmarks(),
            "scales": {"valence": wording.PLEASANTNESS, "arousal": wording.ENERGY},
            "places": [{"word": word, **_at(mood)} for word, mood in wording.EVERYDAY],
            "texts": {**TEXTS, "start": start},
        },
    )
    if heard not in st.session_state:
        # In a new session, the browser still counts the gestures of one that was lost.
        gesture = browser_values.sent(key, "point", _gesture)
        st.session_state[heard] = gesture[0] if gesture else 0


def _gesture(values: Any) -> tuple[int, Mood]:
    """Return the number of a gesture and where it ended."""
    return browser_values.integer(values["turn"]), browser_values.mood(values)


def _at(mood: Mood) -> dict[str, float]:
    return {"valence": mood.valence, "arousal": mood.arousal}


def _track(number: int, pick: Pick) -> dict[str, Any]:
    track = pick.track
    return {
        "id": track.id,
        "number": number,
        "name": f"{track.title} – {', '.join(track.artists)}",
        "at": _at(track.position),
    }


def _landmarks() -> list[dict[str, Any]]:
    """The seven emotions where the recommender puts them, and calm, which no face class has."""
    seven = [
        {
            "name": wording.FEELINGS[emotion].word,
            "glyph": wording.FEELINGS[emotion].glyph,
            "at": _at(mood),
            "nudge": _NUDGE.get(emotion, (0, 0)),
        }
        for emotion, mood in COORDINATES.items()
    ]
    return [*seven, {"name": "calm", "glyph": "😌", "at": _at(CALM), "nudge": (0, 0)}]
