"""Saving a playlist to the listener's account, once.

Spotify has no idempotent requests, so a save remembers what it has done and, if an answer got lost,
looks before it repeats anything. What it looks for is a mark in the description, made of the tracks
alone: what Spotify learns of a listener is which tracks they saved, and nothing of how they felt.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from recommender.spotify.client import MAX_ITEMS_PER_REQUEST, SpotifyClient
from recommender.spotify.errors import (
    EndpointGone,
    Refused,
    SaveUnconfirmed,
    ScopeMissing,
    Unreachable,
)
from recommender.spotify.types import OwnPlaylist
from recommender.types import Playlist

SAVE_SECONDS: Final = 5.0
"""Seconds that a press of the button may take, all its calls together."""

SETTLE_SECONDS: Final = 15.0
"""Seconds for which an unanswered request may still be carried out. Until then it is looked for
and not repeated."""

SHAPES: Final = {
    "match": "that stay close together",
    "shift": "each a small step from the one before",
    "lift": "that set off at once",
    "wind_down": "one easing into the next",
}
"""What a description says of a journey, by intent."""


@dataclass(frozen=True, slots=True)
class SavedPlaylist:
    """A playlist in the listener's account.

    Attributes:
        id: Spotify's id.
        name: what it is called there.
        url: its page on Spotify.
        tracks: how many tracks of ours are in it.
        created: whether this press made it; ``False`` where it was there already.
    """

    id: str
    name: str
    url: str
    tracks: int
    created: bool


@dataclass
class _Record:
    """What is known of one save."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    found: OwnPlaylist | None = None
    done: bool = False
    in_doubt: bool = False  # a request to create got no answer
    wait_until: float = 0.0  # an unanswered request may be carried out until then (monotonic)
    asked: tuple[str, ...] = ()  # the tracks that this request was to add


class Saves:
    """What was saved, so that pressing twice saves once. Limited in size; it holds no token."""

    def __init__(self, most: int = 500) -> None:
        self._most = most
        self._records: OrderedDict[tuple[str, ...], _Record] = OrderedDict()
        self._lock = threading.Lock()

    def record(self, *names: str) -> _Record:
        """Return the record of those names, a new one at first; the oldest is dropped."""
        with self._lock:
            record = self._records.setdefault(names, _Record())
            self._records.move_to_end(names)
            while len(self._records) > self._most:
                self._records.popitem(last=False)
            return record

    def forget(self, owner: str) -> None:
        """Drop everything of one `SpotifyClient.owner`, for a listener who disconnects."""
        with self._lock:
            for names in [names for names in self._records if names[0] == owner]:
                del self._records[names]


SAVES: Final = Saves()
"""What this process saved."""


def save(
    client: SpotifyClient,
    playlist: Playlist,
    *,
    key: str,
    public: bool = False,
    today: date | None = None,
    saves: Saves = SAVES,
    settle: float = SETTLE_SECONDS,
    seconds: float = SAVE_SECONDS,
) -> SavedPlaylist:
    """Save a playlist to the account that is signed in, private by default.

    Pressing twice, in one tab or in two, saves once. Where an earlier press was cut off, this one
    finishes what it began.

    Args:
        client: the listener's. Needs `SAVE_SCOPES`.
        playlist: at least one track.
        key: what the page calls this playlist; never sent.
        public: whether others may see it; needs ``playlist-modify-public``.
        today: the day in the name, by default this one.
        saves: where it is remembered.
        settle: seconds for which an unanswered request is not repeated.
        seconds: seconds that all calls may take together.

    Raises:
        ValueError: the playlist is empty.
        SaveUnconfirmed: Spotify may still be saving; press again in a few seconds.
        SpotifyError: anything else; what was begun is finished by the next press.
    """
    uris = [f"spotify:track:{pick.track.id}" for pick in playlist.picks]
    if not uris:
        raise ValueError("Incorrect value for 'playlist' argument: it has no tracks")
    mark = mark_of(uris)
    limited = client.with_deadline(seconds)
    record = saves.record(limited.owner(), key, mark)
    with _alone(record, limited):
        created = False
        if record.found is None:
            record.found = _look(limited, record, mark)
        if record.found is None:
            if time.monotonic() < record.wait_until:
                raise SaveUnconfirmed
            name, description = words(playlist, today=today)
            record.found = _create(limited, record, name, description, mark, public, settle)
            created = True
        if not record.done:
            _fill(limited, record, record.found, uris, created, settle)
            record.done = True
        found = record.found
    return SavedPlaylist(found.id, found.name, found.url, len(uris), created)


def words(playlist: Playlist, *, today: date | None = None) -> tuple[str, str]:
    """Return name and description: how long and in what steps, never a mood or an emotion."""
    day = today or date.today()
    count = f"{len(playlist.picks)} track{'s' if len(playlist.picks) != 1 else ''}"
    name = f"Affectune · {count} · {day.day} {day:%b}"
    mark = mark_of([f"spotify:track:{pick.track.id}" for pick in playlist.picks])
    return name, f"{count}, {SHAPES[playlist.intent]}. Made with Affectune, ref {mark}."


def mark_of(uris: Sequence[str]) -> str:
    """Return a short mark of some tracks in their order, ten letters and digits."""
    return hashlib.sha256("\n".join(uris).encode()).hexdigest()[:10]


@contextmanager
def _alone(record: _Record, client: SpotifyClient) -> Iterator[None]:
    """Let one press at a time work on a save; a second one waits for its answer."""
    if not record.lock.acquire(timeout=max(0.0, client.seconds_left())):
        raise SaveUnconfirmed
    try:
        yield
    finally:
        record.lock.release()


def _look(client: SpotifyClient, record: _Record, mark: str) -> OwnPlaylist | None:
    try:
        own = client.own_playlists()
    except (ScopeMissing, EndpointGone, Refused):
        if record.in_doubt:
            raise
        return None
    found = next((found for found in own if mark in found.description), None)
    if found is not None:
        record.wait_until = 0.0
    return found


def _create(
    client: SpotifyClient,
    record: _Record,
    name: str,
    description: str,
    mark: str,
    public: bool,
    settle: float,
) -> OwnPlaylist:
    """Create the playlist. If no answer comes, look whether it was created nevertheless."""
    try:
        made = client.create_playlist(name, description, public=public)
    except Unreachable as fault:
        if not fault.sent:
            raise
        record.in_doubt = True
        if fault.pending:
            record.wait_until = time.monotonic() + settle
        lost = fault
    else:
        record.in_doubt = False
        return made
    found = _look(client, record, mark)
    if found is None:
        raise SaveUnconfirmed if lost.pending else lost
    return found


def _fill(
    client: SpotifyClient,
    record: _Record,
    found: OwnPlaylist,
    uris: Sequence[str],
    created: bool,
    settle: float,
) -> None:
    """Add the tracks that are not in the playlist yet, in their order."""
    sure_empty = created and not record.in_doubt
    there = set() if sure_empty else set(_items(client, record, found))
    repeated = False
    while missing := [uri for uri in uris if uri not in there]:
        if time.monotonic() < record.wait_until and not there.issuperset(record.asked):
            raise SaveUnconfirmed
        record.asked = tuple(missing[:MAX_ITEMS_PER_REQUEST])
        try:
            client.add_items(found.id, record.asked)
        except Unreachable as fault:
            if not fault.sent or (repeated and not fault.pending):
                raise
            if fault.pending:
                record.wait_until = time.monotonic() + settle
            repeated = True
            there = set(_items(client, record, found))
        else:
            there.update(record.asked)


def _items(client: SpotifyClient, record: _Record, found: OwnPlaylist) -> list[str]:
    try:
        return client.playlist_items(found.id)
    except Refused as refusal:
        if refusal.status == 404:
            # Deleted meanwhile: the next press makes another.
            record.found, record.in_doubt = None, False
        raise
