"""Says in one line why a track is where it is: one concrete fact, in words a friend would use.

Several things may be true of a track: how it sounds, how fast it is, when it is from, that its
genre goes with the mood, that the listener liked something like it. Each is a `_Fact` with a
weight, which is higher if it explains why the track is in this place. The heaviest one that was not
just said is given; if none is worth saying, the reason is empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from recommender.genres import UNSAID, GenreTable, default_table
from recommender.ranking.scoring import IN_PLACE_DISTANCE
from recommender.types import Intent, Mood, Track

MAX_REASON_CHARACTERS: Final = 88
"""So that a reason fits on a line."""

NOTABLE_POINTS: Final = 0.45
"""A term of the score that gave a track more points than this is mentioned."""

UNREPEATED_ROWS: Final = 5
"""In this many rows no reason comes twice."""

CLEAR_RANK: Final = 0.35
"""A track this far from the middle of the plane, on one of its axes, sounds like it."""

FAR_ON_AN_AXIS: Final = 0.5
"""A track further than this from its place on one axis of the plane, and on the other side of the
middle, is called the nearest there was. One that is only sadder or quieter than asked for is
not."""

AUDIBLE_STEP: Final = 0.2
"""The smallest difference between two tracks, on an axis of the plane, that listeners notice."""

WORTH_SAYING: Final = 0.35
"""A fact that weighs less is not mentioned."""

_REPEATED_KIND_PENALTY: Final = 0.3
"""Weight that a fact loses for each of the last rows with a fact of its kind."""


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
        emotion: the one felt most in this place.
        genre_points: what its family's fit to the mood gave it.
        popularity_points: what being known gave it.
        new_family: whether its leading family was not among the last few.
        best_family: which of its families fits the mood best.
        taste_points: what the listener's taste gave it.
        because: how their taste speaks for it, "because you liked …".
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


@dataclass(frozen=True, slots=True)
class Sound:
    """How a track sounds, where that is clear.

    Attributes:
        loudness: "quiet", "loud" or "".
        lightness: "dark", "bright" or "".
    """

    loudness: str
    lightness: str


@dataclass(frozen=True, slots=True)
class _Fact:
    """Something that is true of a track.

    Attributes:
        kind: what it is about.
        weight: how much it is worth saying; below `WORTH_SAYING` it is not.
        wordings: sentences that say it, without the full stop.
    """

    kind: str
    weight: float
    wordings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a track is where it is.

    Attributes:
        kind: what it is about; "" where nothing is said.
        text: a sentence, or "".
    """

    kind: str = ""
    text: str = ""


def write_reason(track: Track, situation: Situation, earlier: Sequence[Reason]) -> Reason:
    """Return the reason for a track, in one line; an empty one where nothing is worth saying.

    Args:
        track: what was selected.
        situation: where and why.
        earlier: the reasons before it, none of which is repeated within `UNREPEATED_ROWS`.
    """
    recent = earlier[-(UNREPEATED_ROWS - 1) :]
    kinds = [reason.kind for reason in recent]
    texts = {reason.text for reason in recent}
    best, most = Reason(), WORTH_SAYING
    for fact in _facts(track, situation):
        weight = fact.weight - _REPEATED_KIND_PENALTY * kinds.count(fact.kind)
        if weight <= most:
            continue
        for wording in _least_used(fact.wordings, earlier):
            text = f"{wording}."
            if text not in texts and len(text) <= MAX_REASON_CHARACTERS:
                best, most = Reason(fact.kind, text), weight
                break
    return best


def sound_of(track: Track, table: GenreTable | None = None) -> Sound:
    """Return how a track sounds, as far as it is clear and its genre does not contradict it.

    The rank says where a track stands among the others of its catalogue. What was measured has
    to agree, so that nothing loud is called quiet in a catalogue of loud music.

    Args:
        track: the track.
        table: families, by default the one that ships with the package.
    """
    suits = (table or default_table()).suits
    happy = [suits[name].get("happy", UNSAID) for name in track.genres if name in suits]
    loudness, lightness = "", ""
    if track.position.arousal < -CLEAR_RANK and track.energy < 0.55:
        loudness = "quiet"
    elif track.position.arousal > CLEAR_RANK and track.energy > 0.55:
        loudness = "loud"
    if track.position.valence < -CLEAR_RANK and track.valence < 0.7:
        # Disco in a minor key is not gloomy.
        lightness = "" if happy and happy[0] >= 0.9 else "dark"
    elif track.position.valence > CLEAR_RANK and track.valence > 0.4:
        # A metal song in a good mood is still not a sunny one.
        gloomy = bool(happy) and (happy[0] < 0.35 or min(happy) < 0.15)
        lightness = "" if gloomy and loudness != "quiet" else "bright"
    return Sound(loudness, lightness)


_SOUNDS: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("quiet", "dark"): ("Quiet and sad", "Soft and melancholy", "Hushed and wistful"),
    ("quiet", ""): ("Quiet and calm", "Soft and unhurried"),
    ("quiet", "bright"): ("Gentle and warm", "Soft and sweet", "Quiet and content"),
    ("", "dark"): ("On the dark side", "Wistful", "More shade than light"),
    ("", "bright"): ("Warm and easy-going", "Cheerful", "Light and friendly"),
    ("loud", "dark"): ("Intense and dark", "Tense and driving", "Dark, with a lot of drive"),
    ("loud", ""): ("Full of drive", "Plenty of energy", "Loud and driving"),
    ("loud", "bright"): ("Upbeat and bright", "Lively and cheerful", "Full of energy and light"),
}

_GUESSES: Final = (
    "A guess, by its artist and genre",
    "Not measured; a guess says that it fits",
    "A guess: others of its kind sound like this",
    "Nobody has measured it, so this is a guess",
    "Near this mood, at a guess",
)
"""As many as `UNREPEATED_ROWS`, so that an estimate can always be called one."""

_FAR: Final = (
    "The nearest there was, though not quite this mood",
    "A way off this mood; nothing nearer was left",
)

_SUITS: Final[Mapping[str, tuple[str, ...]]] = {
    "angry": ("{family} can take an angry mood", "{family}, to let off steam"),
    "disgust": ("{family} to cut through a sour mood",),
    "fear": ("{family} for an uneasy hour",),
    "happy": ("{family} goes with a good mood", "{family} for good company"),
    "sad": (
        "{family} sits well with sadness",
        "{family} keeps a sad mood company",
        "{family}, for when you are low",
    ),
    "surprise": ("{family} for a wide-awake mood",),
    "neutral": (),
}

_ACOUSTIC: Final = ("Almost all acoustic", "Acoustic through and through")
_INSTRUMENTAL: Final = ("No singing, only instruments", "All instruments, next to no voice")
_DANCEABLE: Final = ("Made for dancing", "Hard to sit still to", "Easy to dance to")
_KNOWN: Final = ("One that almost everybody knows", "A song that many people know by heart")


def _facts(track: Track, situation: Situation) -> Iterator[_Fact]:
    """Yield what is true of a track and may be worth saying."""
    gap = track.position.distance(situation.slot)
    if situation.because and situation.taste_points > NOTABLE_POINTS:
        said = f"Here {situation.because}"
        wordings = (f"{said}; its sound is a guess",) if track.estimated else (said,)
        yield _Fact("liked", 2.5 + situation.taste_points, wordings)
    if track.estimated:
        yield from _guesses(track)
        return
    if _is_far(track.position, situation.slot) and not _is_calm_instrumental(track, situation.slot):
        yield _Fact("far", 1.4, _FAR)
    if situation.place == 0 and situation.intent != "lift" and gap <= IN_PLACE_DISTANCE:
        yield _Fact("start", 0.8, ("Close to how you feel now",))
    yield from _sounding(track, situation)
    yield from _heard(track, situation.slot)
    yield from _steps(track, situation)
    yield from _background(track, situation)


def _is_far(position: Mood, slot: Mood) -> bool:
    """Whether a track lies on the other side of the plane from its place."""
    pairs = ((position.valence, slot.valence), (position.arousal, slot.arousal))
    return any(here * there < 0 and abs(here - there) > FAR_ON_AN_AXIS for here, there in pairs)


def _is_calm_instrumental(track: Track, slot: Mood) -> bool:
    """Whether place and track are calm, though instrumental music is measured as sad."""
    instrumental = track.instrumentalness is not None and track.instrumentalness >= 0.7
    return instrumental and slot.valence > 0.0 and slot.arousal < -IN_PLACE_DISTANCE


def _sounding(track: Track, situation: Situation) -> Iterator[_Fact]:
    sound = sound_of(track)
    slot = situation.slot
    wordings = _SOUNDS.get((sound.loudness, sound.lightness), ())
    agreeing = [
        (sound.loudness == "loud") == (slot.arousal > 0) if sound.loudness else None,
        (sound.lightness == "bright") == (slot.valence > 0) if sound.lightness else None,
    ]
    clear = sum(agrees is True for agrees in agreeing)
    if clear and False not in agreeing:
        yield _Fact("sound", 0.5 + 0.4 * (clear == 2), wordings)


def _guesses(track: Track) -> Iterator[_Fact]:
    """Yield the fact that a track was not measured, which is always said, and how it may sound."""
    sound = sound_of(track)
    wordings = _SOUNDS.get((sound.loudness, sound.lightness), ())
    yield _Fact("guess", 2.0, (*(f"{words}, at a guess" for words in wordings), *_GUESSES))


def _heard(track: Track, slot: Mood) -> Iterator[_Fact]:
    """Yield what one hears at once, weightier where it is what the place asks for."""
    quiet, lively = slot.arousal < -0.1, slot.arousal > 0.2
    if track.acousticness is not None and track.acousticness >= 0.8 and not lively:
        yield _Fact("acoustic", 0.85 if quiet else 0.5, _ACOUSTIC)
    # Instrumentalness misses singing under a wall of sound.
    instrumental = track.instrumentalness is not None and track.instrumentalness >= 0.85
    if instrumental and (track.language == "zxx" or track.energy < 0.5):
        yield _Fact("instrumental", 1.0 if quiet else 0.6, _INSTRUMENTAL)
    # Measured tempo is often double or half: it is only named where the sound agrees with it.
    if track.tempo is not None and quiet and track.tempo <= 80 and track.energy < 0.4:
        yield _Fact("pace", 0.7, (f"Slow, about {track.tempo:.0f} beats a minute",))
    if track.tempo is not None and lively and track.tempo >= 150 and track.energy > 0.75:
        yield _Fact("pace", 0.7, (f"Fast, about {track.tempo:.0f} beats a minute",))
    danceable = track.danceability is not None and track.danceability >= 0.78
    if danceable and track.energy > 0.5 and slot.valence > 0.2 and slot.arousal > 0:
        yield _Fact("dance", 0.75, _DANCEABLE)


def _steps(track: Track, situation: Situation) -> Iterator[_Fact]:
    """Yield how a track of a journey moves on from the one before, where one would hear it."""
    previous = situation.previous
    if previous is None or previous.estimated:
        return
    if situation.intent in ("match", "lift"):
        return
    valence = track.position.valence - previous.position.valence
    arousal = track.position.arousal - previous.position.arousal
    ahead = situation.target.arousal - situation.slot.arousal
    if valence >= AUDIBLE_STEP and situation.target.valence > situation.slot.valence:
        yield _Fact("step", 0.75, ("Brighter than the one before",))
    if arousal <= -AUDIBLE_STEP and ahead < 0:
        yield _Fact("step", 0.75, ("Calmer than the one before",))
    if arousal >= AUDIBLE_STEP and ahead > 0:
        yield _Fact("step", 0.75, ("Livelier than the one before",))


def _background(track: Track, situation: Situation) -> Iterator[_Fact]:
    """Yield what is known of a track beside its sound: its genre, its age, its popularity."""
    family = situation.best_family
    asked = family is not None and family in situation.genres
    if family is not None and not asked and situation.genre_points > NOTABLE_POINTS:
        wordings = _SUITS[situation.emotion]
        named = tuple(words.format(family=_capitalised(family)) for words in wordings)
        yield _Fact("genre", 0.55 + 0.15 * min(situation.genre_points, 2.0), named)
    elif situation.new_family and track.genres and track.genres[0] not in situation.genres:
        yield _Fact("genre", 0.5, (f"Some {track.genres[0]} for a change",))
    if track.year is not None and track.year < 1990 and track.popularity >= 60:
        yield _Fact(
            "age",
            0.7 if track.year < 1975 else 0.6,
            (f"From {track.year}, and still going strong", f"A classic from {track.year}"),
        )
    if situation.popularity_points > NOTABLE_POINTS and track.popularity >= 85:
        yield _Fact("known", 0.5, _KNOWN)


def _capitalised(family: str) -> str:
    """Return a family's name as a sentence begins with it."""
    return "R&B" if family == "r&b" else family[:1].upper() + family[1:]


def _least_used(wordings: Sequence[str], earlier: Sequence[Reason]) -> list[str]:
    """Return wordings by how often they were used, those of equal use in their order."""
    return sorted(wordings, key=lambda words: sum(words in reason.text for reason in earlier))
