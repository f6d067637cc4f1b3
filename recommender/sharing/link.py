"""A playlist as a short text that reproduces it on another machine.

The text is base64url (RFC 4648, section 5) of a few hundred bytes: what was asked and the ids of
the tracks, never a title, a reason, a picture or who made it. The reader looks the tracks up in its
own catalogue and writes the reasons itself, so a text can put no words into the app's mouth.

Layout, big-endian: version (1 byte), catalogue (6), flags (1), mood and, unless it is the mood,
target (two float64 each), seed, emotions (7 × uint16, if known), asked genres, tracks, places,
checksum (4). A count or length is one byte; what has one follows it.
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2s
from typing import Final

from recommender.catalog.catalog import Catalog
from recommender.genres import default_table, resolve
from recommender.journey import plan
from recommender.mood import COORDINATES
from recommender.ranking.ranking import explain_tracks
from recommender.ranking.scoring import Context
from recommender.sharing.link_repair import readings
from recommender.types import EVERYTHING, INTENTS, Filters, Intent, Mood, Pick, Playlist, Track

VERSION: Final = 1

MAX_CHARACTERS: Final = 16_000
"""Characters of the longest text that `encode` writes, and a few more."""

MAX_READ_CHARACTERS: Final = 4 * MAX_CHARACTERS
"""Characters of the longest text that is looked at; some will have been escaped."""

MAX_SHARED_TRACKS: Final = 255
"""Tracks of the longest playlist that is shared."""

BROKEN: Final = "This link is broken or incomplete. Ask for it again and copy all of it."
OTHER_VERSION: Final = (
    "This link comes from another version of Affectune, which writes them differently."
)

_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Of Spotify's ids: 22 of them write a number of 128 bits."""

_SAME_TARGET, _WITH_EMOTIONS, _FREE_PLACES = 4, 8, 16
"""Flags; the two bits below are the intent."""

_FINE: Final = 32767
_WEIGHT_SCALE: Final = 65535


@dataclass(frozen=True, slots=True)
class SharedPlaylist:
    """What came out of a text.

    Attributes:
        playlist: as far as this catalogue has its tracks; they keep their places.
        missing: how many tracks this catalogue does not have.
        other_catalog: whether it was made from another catalogue.
        emotions: emotion → weight that the reasons were explained with, the largest 1, or ``None``.
        filters: the genres that were asked for, as far as this catalogue has them.
    """

    playlist: Playlist
    missing: int
    other_catalog: bool
    emotions: Mapping[str, float] | None = None
    filters: Filters = EVERYTHING


def encode(
    playlist: Playlist,
    *,
    catalog: Catalog,
    emotions: Mapping[str, float] | None = None,
    filters: Filters = EVERYTHING,
) -> str:
    """Return a playlist as a text of ``A-Z a-z 0-9 - _``, about 22 characters per track.

    What a taste had to say ("because you liked …") stays with the listener whose taste it is.

    Args:
        playlist: what to share.
        catalog: where its tracks come from.
        emotions, filters: what it was asked with, which its reasons depend on; of the filters
            only the genres are written.

    Raises:
        ValueError: it has more than `MAX_SHARED_TRACKS` tracks, an id of more than 255 bytes, a
            seed below 0, or a genre was asked for that the catalogue does not have.
    """
    if len(playlist.picks) > MAX_SHARED_TRACKS:
        raise ValueError(
            f"Incorrect value for 'playlist' argument: {len(playlist.picks)} tracks: "
            f"at most {MAX_SHARED_TRACKS}"
        )
    if playlist.seed < 0:
        raise ValueError(f"Incorrect value for 'seed' argument: {playlist.seed!r}: 0 or more")
    asked = _asked(filters, catalog)
    emotions = emotions if emotions and any(emotions.values()) else None
    places = _places(playlist, emotions or {}, asked)
    flags = INTENTS.index(playlist.intent)
    flags |= _SAME_TARGET * (playlist.target == playlist.mood)
    flags |= _WITH_EMOTIONS * (emotions is not None)
    flags |= _FREE_PLACES * (places is None)
    parts = [bytes([VERSION]), _mark(catalog), bytes([flags]), _pair(playlist.mood)]
    if playlist.target != playlist.mood:
        parts.append(_pair(playlist.target))
    parts.append(_counted(playlist.seed.to_bytes((playlist.seed.bit_length() + 7) // 8)))
    if emotions is not None:
        largest = max(emotions.values())
        weights = [
            round(_WEIGHT_SCALE * (emotions.get(name, 0.0) / largest)) for name in COORDINATES
        ]
        parts.append(struct.pack(">7H", *weights))
    parts.append(bytes([len(asked)]))
    parts += [_counted(family.encode()) for family in asked]
    parts.append(_packed([pick.track.id for pick in playlist.picks]))
    if places is None:
        for slot in playlist.journey:
            fine = (round(slot.valence * _FINE), round(slot.arousal * _FINE))
            parts.append(struct.pack(">2h", *fine))
    else:
        parts.append(bytes([places]))
    body = b"".join(parts)
    return base64.urlsafe_b64encode(body + _checksum(body)).decode().rstrip("=")


def decode(text: str, *, catalog: Catalog) -> SharedPlaylist:
    """Return the playlist that a text stands for, with tracks from the reader's own catalogue.

    Nothing in a text is run, loaded or shown: it only says which tracks and which moods.

    Args:
        text: what `encode` returned, or what became of it in a chat or a mail: see
            `recommender.sharing.link_repair`.
        catalog: where to look the tracks up.

    Raises:
        ValueError: the text is broken, incomplete, not such a text at all, or of another version;
            the message is a sentence for the person who was given it.
    """
    body = _body(text)
    if body[0] != VERSION:
        raise ValueError(OTHER_VERSION)
    try:
        return _read(_Reader(body[1:]), catalog)
    except ValueError as error:
        # The checksum is right, but the content is impossible: it was made by hand.
        raise ValueError(BROKEN) from error


def _read(read: _Reader, catalog: Catalog) -> SharedPlaylist:
    other_catalog = read.take(6) != _mark(catalog)
    flags = read.number()
    if flags >= 2 * _FREE_PLACES or flags & 3 >= len(INTENTS):
        raise ValueError(f"flags {flags}")
    intent = INTENTS[flags & 3]
    mood = Mood(*read.unpack(">2d"))
    target = mood if flags & _SAME_TARGET else Mood(*read.unpack(">2d"))
    seed = int.from_bytes(read.counted())
    emotions = None
    if flags & _WITH_EMOTIONS:
        weights = [weight / _WEIGHT_SCALE for weight in read.unpack(">7H")]
        if max(weights) < 1.0:
            raise ValueError(f"emotions {weights}")
        emotions = dict(zip(COORDINATES, weights, strict=True))
    families = [read.counted().decode() for _ in range(read.number())]
    ids = list(_unpacked(read))
    if flags & _FREE_PLACES:
        slots = [Mood(*(value / _FINE for value in read.unpack(">2h"))) for _ in ids]
    else:
        count = read.number()
        if not count >= max(1, len(ids)):
            raise ValueError(f"{count} places for {len(ids)} tracks")
        slots = list(plan(mood, intent, count, target=target))
    read.end()
    asked = tuple(family for family in families if family in catalog.genres())
    found = {track.id: track for track in catalog.get_many(ids)}
    kept = [(found[one], slot) for one, slot in zip(ids, slots, strict=False) if one in found]
    # Places behind the last track stay, so that the journey does not seem to have arrived.
    last = max((place for place, one in enumerate(ids) if one in found), default=-1)
    picks = _explained(
        [track for track, _ in kept],
        [*(slot for _, slot in kept), *slots[last + 1 :]],
        intent,
        emotions or {},
        asked,
    )
    return SharedPlaylist(
        playlist=Playlist(mood=mood, target=target, intent=intent, picks=tuple(picks), seed=seed),
        missing=len(ids) - len(kept),
        other_catalog=other_catalog,
        emotions=emotions,
        filters=replace(EVERYTHING, genres=asked),
    )


def _asked(filters: Filters, catalog: Catalog) -> tuple[str, ...]:
    """Return the families that were asked for, by the names that the tracks have."""
    table, allowed = default_table(), catalog.genres()
    return tuple(dict.fromkeys(resolve(genre, allowed, table) for genre in filters.genres))


def _places(playlist: Playlist, emotions: Mapping[str, float], asked: Sequence[str]) -> int | None:
    """Return how many places the plan has that a playlist begins, or ``None`` if it follows none.

    There are more places than tracks where the tracks ran out. If the slots alone do not tell how
    many, since a lift stays where it is, the reasons do.
    """
    tracks = [pick.track for pick in playlist.picks]
    reasons = [pick.reason for pick in playlist.picks]

    def planned(count: int) -> tuple[Mood, ...]:
        return plan(playlist.mood, playlist.intent, count, target=playlist.target)

    def fits(count: int) -> bool:
        return planned(count)[: len(tracks)] == playlist.journey

    least = max(1, len(tracks))
    count = next((count for count in range(least, MAX_SHARED_TRACKS + 1) if fits(count)), None)
    if count is None:
        return None
    if count < MAX_SHARED_TRACKS and fits(count + 1):
        for longer in (count, count + 1):
            explained = _explained(tracks, planned(longer), playlist.intent, emotions, asked)
            if [pick.reason for pick in explained] == reasons:
                return longer
    return count


def _explained(
    tracks: Sequence[Track],
    slots: Sequence[Mood],
    intent: Intent,
    emotions: Mapping[str, float],
    asked: Sequence[str],
) -> list[Pick]:
    if not tracks:
        return []
    return explain_tracks(tracks, slots, Context(intent, emotions, asked))


def _mark(catalog: Catalog) -> bytes:
    return blake2s(catalog.fingerprint.encode(), digest_size=6).digest()


def _checksum(body: bytes) -> bytes:
    return blake2s(body, digest_size=4, person=b"playlist").digest()


def _body(text: str) -> bytes:
    """Return the content of a text without its checksum, if that is right."""
    if len(text) <= MAX_READ_CHARACTERS:
        for reading in readings(text):
            body = _checked(reading)
            if body is not None:
                return body
    raise ValueError(BROKEN)


def _checked(text: str) -> bytes | None:
    """Return what is in a text that is exactly what `encode` wrote, or ``None``."""
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body = raw[:-4]
    # Written again, because several texts decode to the same bytes.
    same = base64.urlsafe_b64encode(raw).decode().rstrip("=") == text
    return body if body and same and raw[-4:] == _checksum(body) else None


def _pair(mood: Mood) -> bytes:
    """Return a mood to the last bit, so that a journey between two comes out the same."""
    return struct.pack(">2d", mood.valence, mood.arousal)


def _counted(value: bytes) -> bytes:
    if len(value) > 255:
        raise ValueError(f"Incorrect value: {value[:40]!r}…: at most 255 bytes")
    return bytes([len(value)]) + value


def _packed(ids: Sequence[str]) -> bytes:
    """Return ids, those of Spotify in 16 bytes each, others as they are.

    A mask before them says which are which, one bit a track.
    """
    numbers = [_number(one) for one in ids]
    mask = sum(1 << place for place, number in enumerate(numbers) if number is None)
    return b"".join(
        [
            bytes([len(ids)]),
            mask.to_bytes((len(ids) + 7) // 8),
            *(
                _counted(one.encode()) if number is None else number.to_bytes(16)
                for one, number in zip(ids, numbers, strict=True)
            ),
        ]
    )


def _unpacked(read: _Reader) -> Iterator[str]:
    count = read.number()
    mask = int.from_bytes(read.take((count + 7) // 8))
    if mask >> count:
        raise ValueError("a mask for more tracks than there are")
    for place in range(count):
        if mask >> place & 1:
            yield read.counted().decode()
        else:
            yield _spotify_id(int.from_bytes(read.take(16)))


def _number(track_id: str) -> int | None:
    """Return the number of 128 bits that an id of Spotify's writes, or ``None`` for others."""
    if len(track_id) != 22 or any(digit not in _DIGITS for digit in track_id):
        return None
    number = 0
    for digit in track_id:
        number = number * 62 + _DIGITS.index(digit)
    return number if number < 1 << 128 else None


def _spotify_id(number: int) -> str:
    digits = []
    for _ in range(22):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


class _Reader:
    """Takes values from bytes, one after the other, and never more than there are."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, count: int) -> bytes:
        taken = self._body[self._at : self._at + count]
        if len(taken) < count:
            raise ValueError(f"{count} bytes wanted, {len(taken)} left")
        self._at += count
        return taken

    def number(self) -> int:
        return self.take(1)[0]

    def counted(self) -> bytes:
        return self.take(self.number())

    def unpack(self, form: str) -> tuple[float, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def end(self) -> None:
        if self._at != len(self._body):
            raise ValueError(f"{len(self._body) - self._at} bytes too many")
