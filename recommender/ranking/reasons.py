"""Says in one line why a track is where it is, in words that are true of it.

A reason has up to three parts: what the track does at its place in the journey, how it sounds,
and what else spoke for it. Each part comes from a list of things that can be said; only those
whose condition the track meets are said, and the first wording that was not just used wins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from recommender.ranking.scoring import IN_PLACE_DISTANCE
from recommender.types import Intent, Mood, Track

AUDIBLE_STEP: Final = 0.03
"""Less than this on an axis of the plane is no difference that one hears."""

MAX_REASON_CHARACTERS: Final = 88
"""So that a reason fits on a line."""

NOTABLE_POINTS: Final = 0.45
"""A term of the score that gave a track more points than this is mentioned."""


@dataclass(frozen=True, slots=True)
class Situation:
    """Where in a playlist a track was selected, and what spoke for it.

    Attributes:
        place: from 0.
        places: how many there are.
        intent: how the journey moves.
        slot: the mood of the place.
        target: the mood of the last place.
        previous: the track before.
        genres: families that were asked for.
        emotion: what is felt here most.
        genre_points: what its family's fit to the mood gave it.
        popularity_points: what being known gave it.
        new_family: whether its leading family was not among the last few.
        best_family: which of its families fits the mood best.
        taste_points: what the listener's taste gave it.
        because: what of their taste speaks for it, "because you liked …".
    """

    place: int
    places: int
    intent: Intent
    slot: Mood
    target: Mood
    previous: Track | None
    genres: tuple[str, ...]
    emotion: str
    genre_points: float
    popularity_points: float
    new_family: bool
    best_family: str | None
    taste_points: float = 0.0
    because: str | None = None


def write_reason(track: Track, situation: Situation, earlier: Sequence[str]) -> str:
    """Return the reason for a track, in one line.

    Args:
        track: what was selected.
        situation: where and why.
        earlier: the reasons before it, which it avoids repeating.
    """
    leads = _least_used(_leads(track, situation), earlier[-6:])
    sounds = _least_used(list(_sounds(track)), earlier)
    tails = [tail for tail in _tails(track, situation) if not _stale(tail, earlier[-3:])]
    # Of an estimate it is always said that it is one.
    sounds = sounds if track.estimated else [*sounds, ""]
    fitting = ""
    for tail, lead, sound in product([*tails, ""], leads, sounds):
        reason = _joined(lead, sound, tail)
        if len(reason) <= MAX_REASON_CHARACTERS:
            fitting = reason
            if reason not in earlier:
                break
    return fitting


def _leads(track: Track, situation: Situation) -> list[str]:
    """Return what can be said of the track's part in the journey, never nothing."""
    there = track.position.distance(situation.slot) <= IN_PLACE_DISTANCE
    first, last = situation.place == 0, situation.place == situation.places - 1
    if not there and _settles(track, situation.slot):
        return ["Quiet, and without words", "Room to breathe", "Needs no words"]
    if not there:
        return ["As near as the music comes", "The closest there is", "Not far from this mood"]
    if situation.intent == "match":
        if first:
            return ["Meets you where you are"]
        return [
            "Stays with you",
            "Keeps you company",
            "Close to how you feel",
            "Sits beside you",
            "The same mood, another voice",
            "Right where you are",
        ]
    if situation.intent == "lift" and first:
        return ["Straight to something brighter"]
    if first:
        return ["Meets you where you are"]
    if last and track.position.distance(situation.target) <= IN_PLACE_DISTANCE:
        return ["Arrived"]
    turned = _step(track, situation.previous)
    if situation.intent == "lift":
        return [*turned, "Keeps it light", "Stays up here", "Holds you there", "More of the same"]
    if situation.place == situation.places // 2 and situation.places > 4:
        return ["Halfway", *turned]
    return [*turned, "One step on", "A little further", "On the way"]


def _settles(track: Track, slot: Mood) -> bool:
    """Whether a place is calm and a track is, though instrumental music is measured as sad."""
    instrumental = track.instrumentalness is not None and track.instrumentalness >= 0.7
    calm = slot.valence > 0.0 and slot.arousal < -IN_PLACE_DISTANCE
    return calm and instrumental and track.position.arousal < slot.arousal + IN_PLACE_DISTANCE / 2


def _step(track: Track, previous: Track | None) -> list[str]:
    """Return how a track differs from the one before, if one would hear it and it is known."""
    if previous is None or track.estimated or previous.estimated:
        return []
    brighter = track.position.valence - previous.position.valence
    livelier = track.position.arousal - previous.position.arousal
    if brighter > AUDIBLE_STEP and livelier > AUDIBLE_STEP:
        return ["Brighter and livelier than the last", "A step brighter, with more drive"]
    if brighter > AUDIBLE_STEP and livelier < -AUDIBLE_STEP:
        return ["Brighter and calmer than the last", "Warmer now, and less restless"]
    if brighter > AUDIBLE_STEP:
        return ["A step brighter than the last", "A little warmer"]
    if livelier < -AUDIBLE_STEP and brighter > -AUDIBLE_STEP:
        return ["Calmer than the last", "A little quieter"]
    if livelier > AUDIBLE_STEP and brighter > -AUDIBLE_STEP:
        return ["A little more awake", "Livelier than the last"]
    return (
        ["Takes a breath", "Stays a moment"]
        if abs(brighter) + abs(livelier) < 4 * AUDIBLE_STEP
        else []
    )


def _sounds(track: Track) -> Iterator[str]:
    """Yield descriptions that are true of a track, the fuller ones first."""
    if track.estimated:
        for character in _CHARACTERS[_loudness(track), _lightness(track)]:
            yield f"{character} (estimated)"
        return
    textures = list(_textures(track))
    characters = _CHARACTERS[_loudness(track), _lightness(track)]
    for texture in textures:
        for character in characters:
            yield f"{character}, {texture}"
    yield from characters


def _loudness(track: Track) -> str:
    """Return "quiet", "even" or "loud".

    The rank says where a track stands among the others of its catalogue, and the raw figure has
    to agree, so that nothing loud is called quiet in a catalogue of thunder.
    """
    if track.position.arousal < -0.25 and track.energy < 0.5:
        return "quiet"
    if track.position.arousal > 0.25 and track.energy > 0.5:
        return "loud"
    return "even"


def _lightness(track: Track) -> str:
    """Return "dark", "even" or "bright"; see `_loudness`."""
    if track.position.valence < -0.25 and track.valence < 0.45:
        return "dark"
    if track.position.valence > 0.25 and track.valence > 0.5:
        return "bright"
    return "even"


_CHARACTERS: Final = {
    ("quiet", "dark"): ("quiet and wistful", "soft and blue", "hushed and tender", "low and close"),
    ("quiet", "even"): ("quiet and calm", "soft and unforced", "hushed and even"),
    ("quiet", "bright"): ("quiet and warm", "soft and sunny", "gentle and light"),
    ("even", "dark"): ("brooding", "dusky", "a little overcast", "steady and dark"),
    ("even", "even"): ("steady and even", "neither heavy nor light", "level and open"),
    ("even", "bright"): ("bright and easy", "warm and steady", "light and unstrained"),
    ("loud", "dark"): ("intense and dark", "strong and stormy", "driven and brooding"),
    ("loud", "even"): ("strong and driven", "full of drive", "big and forward"),
    ("loud", "bright"): ("lively and bright", "sunny and full of energy", "upbeat and strong"),
}


def _textures(track: Track) -> Iterator[str]:
    if track.acousticness is not None and track.acousticness >= 0.7:
        yield "mostly acoustic"
    if track.instrumentalness is not None and track.instrumentalness >= 0.85:
        yield "mostly instrumental"
    # Measured tempo is often double or half: it is only named where energy agrees with it.
    if track.tempo is not None and track.tempo <= 85 and _loudness(track) == "quiet":
        yield "slow"
    if track.tempo is not None and track.tempo >= 140 and _loudness(track) == "loud":
        yield "fast"
    if track.danceability is not None and track.danceability >= 0.75:
        yield "made for moving"


def _tails(track: Track, situation: Situation) -> list[str]:
    """Return what else spoke for a track, the weightiest first."""
    liked = (
        [situation.because] if situation.because and situation.taste_points > NOTABLE_POINTS else []
    )
    asked = [family for family in track.genres if family in situation.genres]
    if asked:
        return [*liked, f"{asked[0]}, which you asked for", f"more {asked[0]}"]
    weighed: list[tuple[float, str]] = []
    if situation.best_family is not None and situation.genre_points > NOTABLE_POINTS:
        wording = _SUITS[situation.emotion].format(family=situation.best_family)
        weighed.append((situation.genre_points, wording))
    known = situation.popularity_points > NOTABLE_POINTS
    if known and track.popularity >= 80:
        weighed.append((situation.popularity_points, "a song many people know"))
    if known and track.year is not None and track.year < 2000 and track.popularity >= 60:
        weighed.append((situation.popularity_points, f"a keeper from {track.year}"))
    if situation.new_family and track.genres:
        weighed.append((NOTABLE_POINTS, f"a turn to {track.genres[0]}"))
    return [*liked, *(tail for _, tail in sorted(weighed, key=lambda pair: -pair[0]))]


_SUITS: Final = {
    "angry": "{family} can take an angry mood",
    "disgust": "{family} cuts through a sour mood",
    "fear": "{family} for an uneasy hour",
    "happy": "{family} for a happy hour",
    "sad": "{family} sits well with sadness",
    "surprise": "{family} for a wide-awake hour",
    "neutral": "{family} for an even hour",
}


def _least_used(options: Sequence[str], earlier: Sequence[str]) -> list[str]:
    """Sort wordings by how often they were used, those of equal use in their order."""
    return sorted(options, key=lambda option: sum(option in reason for reason in earlier))


def _stale(tail: str, earlier: Sequence[str]) -> bool:
    """Whether one of the last reasons ended alike: in the same first or last word."""
    words = tail.split()
    ends = [reason.rstrip(".").split("; ")[-1].split() for reason in earlier if "; " in reason]
    return any(end[-1] == words[-1] or end[:2] == words[:2] for end in ends)


def _joined(lead: str, sound: str, tail: str) -> str:
    text = f"{lead}: {sound}" if sound else lead
    return f"{text}; {tail}." if tail else f"{text}."
