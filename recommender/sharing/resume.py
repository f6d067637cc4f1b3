"""A listener's session as a short text in the address of a page, so that a reload loses nothing.

An address is kept in the browser's history, may be synchronised with other devices, and stands in
the logs of proxies. So a text holds what its reader asked for, and what they see on the page: the
tracks, the intent, filters, likes and skips. Nothing in it is what a face was read as:

- no probabilities, no emotion's name, no picture, and not where a mood came from;
- the mood itself only as coarse as the tracks show it anyway: rounded to steps of `GRID`, which
  leaves 81 places, whether it was read, corrected or set by hand.

The journey begins at that rounded mood, so its places give away no more.

Layout: the set as `recommender.sharing.link` writes it, a full stop, and the rest as base64url of
compact JSON.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

from recommender.catalog.catalog import Catalog
from recommender.journey import plan, target_for
from recommender.request import MAX_MINUTES, MIN_MINUTES
from recommender.session import DEFAULT_ADVENTURE, DEFAULT_SET_MINUTES, Session, SetOptions
from recommender.sharing import link
from recommender.taste.taste import Feedback, Taste, Verdict
from recommender.types import EVERYTHING, Filters, Mood, Pick, Playlist, Track

PARAMETER: Final = "mine"
"""What a session is called in an address; a set that is shared is called otherwise."""

GRID: Final = 0.25
"""Steps to which a mood is rounded, on both axes."""

MAX_CHARACTERS: Final = 2_000
"""Characters of the longest text that is written: more is cut off by some programs."""

MAX_DRAWS: Final = 1_000_000
MAX_FILTER_CHARACTERS: Final = 200

_VERDICTS: Final[dict[str, Verdict]] = {"l": "like", "d": "dislike", "s": "skip"}
_LETTERS: Final = {verdict: letter for letter, verdict in _VERDICTS.items()}


@dataclass(frozen=True, slots=True)
class Resumed:
    """What came out of a text.

    Attributes:
        session: as it was, as far as the text holds it.
        missing: how many tracks of its set are not in this catalogue.
        forgotten: how many likes and skips were too many for the text.
    """

    session: Session
    missing: int
    forgotten: int


def rounded(mood: Mood) -> Mood:
    """Return the nearest of the places that an address may name."""
    return Mood(round(mood.valence / GRID) * GRID, round(mood.arousal / GRID) * GRID)


def without_reading(playlist: Playlist) -> Playlist:
    """Return a set as if it began at the rounded mood: the same tracks in the same order.

    Reasons are left out; the page that shows the set writes them again.
    """
    mood = rounded(playlist.mood)
    target = target_for(mood, playlist.intent)
    slots = plan(mood, playlist.intent, max(1, len(playlist.picks)), target=target)
    picks = tuple(
        Pick(pick.track, slot, "") for pick, slot in zip(playlist.picks, slots, strict=False)
    )
    return replace(playlist, mood=mood, target=target, picks=picks)


def encode(session: Session, *, catalog: Catalog, mood_by_hand: bool = False) -> str | None:
    """Return a session as a text of ``A-Z a-z 0-9 - _ .``; ``None`` if there is none to write.

    Likes and skips that would make it longer than `MAX_CHARACTERS` are left out, the oldest
    first, and their number is written instead.

    Args:
        session: what to write.
        catalog: where its tracks come from.
        mood_by_hand: whether its listener set the mood by hand and no face was read. Then it is
            written without a set as well; a mood that was read goes only with the tracks that
            show it anyway.
    """
    options = session.options
    playlist = session.sets.get(options)
    if playlist is None or not playlist.picks:
        if session.mood is None or not mood_by_hand:
            return None
        playlist = Playlist(session.mood, session.mood, options.intent, (), 0)
    try:
        text = link.encode(without_reading(playlist), catalog=catalog, filters=options.filters)
    except ValueError:  # a set of another catalogue, or one too long to be shared
        return None
    ids = [pick.track.id for pick in playlist.picks]
    rest: dict[str, Any] = {
        name: value
        for name, value, usual in (
            ("m", options.minutes, DEFAULT_SET_MINUTES),
            ("a", options.adventure, DEFAULT_ADVENTURE),
            ("d", options.draw, 0),
            ("f", _changed(options.filters), {}),
            ("p", _short(session.playing, ids), None),
        )
        if value != usual
    }
    said = [[_LETTERS[one.verdict], _short(one.track, ids)] for one in session.taste.feedback]
    for left_out in range(len(said) + 1):
        kept = {"v": said[left_out:]} if said[left_out:] else {}
        forgotten = {"x": left_out} if left_out else {}
        whole = f"{text}.{_packed(rest | kept | forgotten)}"
        if len(whole) <= MAX_CHARACTERS:
            return whole
    return None


def decode(text: str, *, catalog: Catalog) -> Resumed:
    """Return the session that a text stands for.

    Args:
        text: from an address, so untrusted.
        catalog: where to look its tracks up.

    Raises:
        ValueError: it is not such a text.
    """
    if len(text) > 2 * MAX_CHARACTERS:
        raise ValueError(f"Incorrect value for 'text' argument: {len(text)} characters")
    first, _, second = text.partition(".")
    shared = link.decode(first, catalog=catalog)
    playlist = replace(shared.playlist, mood=rounded(shared.playlist.mood))
    try:
        return _read(_unpacked(second), playlist, shared.missing, catalog)
    except (TypeError, LookupError, AttributeError, OverflowError) as error:
        raise ValueError(f"Incorrect value for 'text' argument: {error}") from error


def _read(found: dict[str, Any], playlist: Playlist, missing: int, catalog: Catalog) -> Resumed:
    options = SetOptions(
        intent=playlist.intent,
        filters=_filters(found.get("f", {}), catalog),
        minutes=_whole(found.get("m", DEFAULT_SET_MINUTES), MIN_MINUTES, MAX_MINUTES),
        adventure=_fraction(found.get("a", DEFAULT_ADVENTURE)),
        draw=_whole(found.get("d", 0), 0, MAX_DRAWS),
    )
    said = found.get("v", [])
    wanted = [one for _, one in said] + [found.get("p")]
    tracks = {pick.track.id: pick.track for pick in playlist.picks}
    others = [one for one in wanted if isinstance(one, str)]
    tracks |= {track.id: track for track in catalog.get_many(others)}
    slots = {pick.track.id: pick.slot for pick in playlist.picks}

    def track_of(short: object) -> Track | None:
        if type(short) is int:
            # If tracks are missing here, positions in the set have shifted.
            return playlist.picks[short].track if not missing and 0 <= short < len(slots) else None
        return tracks.get(short) if isinstance(short, str) else None

    feedback = [
        Feedback(track, _VERDICTS[letter], slots.get(track.id, track.position))
        for letter, short in said
        if (track := track_of(short)) is not None
    ]
    session = Session(
        mood=playlist.mood,
        options=options,
        sets={options: playlist} if playlist.picks else {},
        taste=Taste(feedback),
        playing=track_of(found.get("p")),
    )
    return Resumed(session, missing, _whole(found.get("x", 0), 0, MAX_DRAWS))


def _short(track: Track | None, ids: Sequence[str]) -> int | str | None:
    """Return a track as its place in the set, or by its id where it is in none."""
    if track is None:
        return None
    return ids.index(track.id) if track.id in ids else track.id


def _changed(filters: Filters) -> dict[str, Any]:
    changed = {}
    for field in fields(Filters):
        value = getattr(filters, field.name)
        if value != getattr(EVERYTHING, field.name):
            changed[field.name] = value
    return changed


def _filters(found: dict[str, Any], catalog: Catalog) -> Filters:
    """Return the filters that this catalogue, which may be another one now, knows."""
    known: dict[str, Sequence[Any]] = {
        "genres": catalog.genres(),
        "without_genres": catalog.genres(),
        "decades": catalog.decades(),
        "languages": catalog.languages(),
    }
    asked = {
        name: tuple(one for one in dict.fromkeys(found.get(name, ())) if one in values)
        for name, values in known.items()
    }
    artists = tuple(found.get("without_artists", ()))
    if not all(isinstance(name, str) and len(name) <= MAX_FILTER_CHARACTERS for name in artists):
        raise ValueError(f"artists {artists!r:.80}")
    explicit = found.get("explicit", True)
    if type(explicit) is not bool:
        raise ValueError(f"explicit {explicit!r:.80}")
    return Filters(**asked, without_artists=artists, explicit=explicit)


def _whole(value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{value!r:.80}: {least} to {most}")
    return value


def _fraction(value: object) -> float:
    if type(value) not in (int, float) or not 0 <= value <= 1:  # type: ignore[operator]
        raise ValueError(f"{value!r:.80}: 0 to 1")
    return float(value)  # type: ignore[arg-type]


def _packed(rest: dict[str, Any]) -> str:
    text = json.dumps(rest, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _unpacked(text: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        found = json.loads(raw)
    except (binascii.Error, RecursionError) as error:
        raise ValueError(f"Incorrect value for 'text' argument: {error}") from error
    if not isinstance(found, dict):
        raise ValueError(f"Incorrect value for 'text' argument: {type(found).__name__}")
    return found
