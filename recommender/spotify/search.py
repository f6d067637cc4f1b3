"""Fresh tracks for a journey, found by searching Spotify.

What is sent are musical words: a genre, an era, "acoustic" or "upbeat". That a person is sad
never leaves this process; nor does anything else about the listener.
"""

from __future__ import annotations

import contextlib
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from recommender.catalog.catalog import Catalog
from recommender.genres import default_table, resolve
from recommender.spotify import reccobeats as elsewhere
from recommender.spotify.cache import DayCache
from recommender.spotify.client import SpotifyClient
from recommender.spotify.errors import SpotifyError
from recommender.spotify.feature_imputation import Candidate, place
from recommender.spotify.reccobeats import ReccoBeats
from recommender.spotify.transport import Deadline, call_with_timeout
from recommender.spotify.types import SpotifyTrack
from recommender.types import EVERYTHING, Filters, Mood, Track

MAX_SEARCHES_PER_SET: Final = 3
"""Searches for a recommendation, at most."""

SEARCH_SECONDS: Final = 2.0
"""Seconds for all of them together."""

RECENT_YEARS: Final = 5
"""One search covers only these last years if no era was asked for: the catalogue is least likely to
have them."""

NEIGHBOUR_TRACKS: Final = 40
"""Tracks of the catalogue around a mood that say which genres are played there."""

WORDS: Final = {
    # (pleasantness, energy), each low, middle, high: as music is described, not people.
    (-1, -1): ("slow acoustic", "piano", "slow ballad"),
    (-1, 0): ("acoustic", "minor key", "atmospheric"),
    (-1, 1): ("heavy", "distorted", "driving"),
    (0, -1): ("ambient", "quiet acoustic", "unplugged"),
    (0, 0): ("melodic", "midtempo", "acoustic band"),
    (0, 1): ("driving", "fast", "uptempo"),
    (1, -1): ("soft acoustic", "easy listening", "mellow"),
    (1, 0): ("groove", "summer", "singalong"),
    (1, 1): ("upbeat", "dance", "uptempo"),
}
"""Words for the nine fields of the mood plane."""


@dataclass(frozen=True, slots=True)
class Query:
    """What to search for, and the family and the mood that it is searched for."""

    text: str
    family: str
    near: Mood


Searches = DayCache[tuple[SpotifyTrack, ...]]

SEARCHED: Final[Searches] = DayCache(512)
"""What searches found today, for all visitors: the key is the query and the country."""


def find_tracks(
    client: SpotifyClient,
    catalog: Catalog,
    slots: Sequence[Mood],
    *,
    filters: Filters = EVERYTHING,
    seed: int = 0,
    market: str | None = None,
    seconds: float = SEARCH_SECONDS,
    cache: Searches = SEARCHED,
    reccobeats: ReccoBeats | None = None,
) -> list[Track]:
    """Return tracks from Spotify for `Recommender.recommend(extra=…)`, placed on the mood plane.

    Three searches at most, at the same time, and none that was made today already.

    Args:
        client: the app's (`credentials.app_client`) or the listener's; no scope is needed.
        catalog: where valence and energy are looked up; see `feature_imputation`.
        slots: the journey, such as `recommender.plan` makes it; at least one mood.
        filters: which genres and decades to search in. `recommend` applies the rest.
        seed: what to draw genres and words with.
        market: ISO 3166-1 code of a country.
        seconds: for everything that is asked over the network.
        cache: where answers are kept.
        reccobeats: a further place to look valence and energy up; by default none, unless the
            environment switches it on.

    Raises:
        ValueError: there are no slots.
        SpotifyError: nothing was found because Spotify did not answer; the catalogue does.
    """
    deadline = Deadline(seconds)
    asked = queries(catalog, slots, filters=filters, seed=seed)
    answers = {query: cache.get((client.api_url, query.text, market)) for query in asked}
    fault: SpotifyError | None = None
    missing = [query for query, answer in answers.items() if answer is None]
    if missing:
        found, fault = _search(client, missing, market, deadline)
        for query, tracks in found.items():
            cache.put((client.api_url, query.text, market), tracks)
            answers[query] = tracks
    candidates = [
        Candidate(track, query.family, query.near)
        for query, tracks in answers.items()
        for track in tracks or ()
    ]
    if not candidates and fault is not None:
        raise fault
    look_up = None
    service = reccobeats or elsewhere.shared()
    if service is not None:
        look_up = lambda ids: service.look_up(ids, seconds=deadline.left())  # noqa: E731
    return place(candidates, catalog, look_up=look_up)


def queries(
    catalog: Catalog,
    slots: Sequence[Mood],
    *,
    filters: Filters = EVERYTHING,
    seed: int = 0,
    today: date | None = None,
) -> list[Query]:
    """Return what to search for: for the start, the middle and the end of a journey.

    Each names a genre, a musical word and, where one was asked for, an era. Only the first uses
    Spotify's ``genre:``, since it is not known how well it is filled.

    Raises:
        ValueError: there are no slots.
    """
    if not slots:
        raise ValueError("Incorrect value for 'slots' argument: (): at least one mood")
    draw = random.Random(seed)
    table, families = default_table(), catalog.genres()
    wanted = []
    for genre in filters.genres:
        # One that the catalogue does not have could not be placed.
        with contextlib.suppress(ValueError):
            wanted.append(resolve(genre, families, table))
    if filters.genres and not wanted:
        return []
    resolved = replace(filters, genres=tuple(wanted))
    made: list[Query] = []
    for number, slot in enumerate((slots[0], slots[len(slots) // 2], slots[-1])):
        near = _families_near(slot, catalog, resolved)
        if not near:
            break
        family = draw.choice(near)
        words = WORDS[_third(slot.valence), _third(slot.arousal)]
        word = draw.choice([word for word in words if word not in family])
        # "funk & disco" is a family of ours; Spotify knows the two by themselves.
        name, *_ = family.split(" & ")
        text = f'genre:"{name}" {word}' if number == 0 else f"{name} {word}"
        query = Query(text + _era(filters, number, draw, today), family, slot)
        if query.text not in {other.text for other in made}:
            made.append(query)
    return made


def _families_near(slot: Mood, catalog: Catalog, filters: Filters) -> list[str]:
    """Return the leading family of each of the catalogue's tracks around a mood: what is played
    there most is searched for most."""
    tracks = catalog.candidates(slot, filters=filters, limit=NEIGHBOUR_TRACKS)
    allowed = set(filters.genres or catalog.genres()) - set(filters.without_genres)
    near = [
        next(family for family in track.genres if family in allowed)
        for track in tracks
        if not allowed.isdisjoint(track.genres)
    ]
    return near or sorted(allowed)


def _era(filters: Filters, number: int, draw: random.Random, today: date | None) -> str:
    if filters.decades:
        decade = draw.choice(filters.decades)
        return f" year:{decade}-{decade + 9}"
    if number == MAX_SEARCHES_PER_SET - 1:
        year = (today or date.today()).year
        return f" year:{year - RECENT_YEARS}-{year}"
    return ""


def _third(value: float) -> int:
    return 0 if abs(value) < 1 / 3 else (1 if value > 0 else -1)


def _search(
    client: SpotifyClient, asked: Sequence[Query], market: str | None, deadline: Deadline
) -> tuple[dict[Query, tuple[SpotifyTrack, ...]], SpotifyError | None]:
    """Return what searches found, and the first fault, if any."""
    found: dict[Query, tuple[SpotifyTrack, ...]] = {}
    fault: SpotifyError | None = None
    try:
        # The token may have to be fetched first, within the same deadline.
        within = call_with_timeout(lambda: client.with_deadline(deadline.left()), deadline.left())
    except SpotifyError as error:
        return found, error
    with ThreadPoolExecutor(MAX_SEARCHES_PER_SET, thread_name_prefix="search") as pool:
        waiting = {
            query: pool.submit(within.search, query.text, market=market)
            for query in asked[:MAX_SEARCHES_PER_SET]
        }
        for query, future in waiting.items():
            try:
                found[query] = tuple(future.result())
            except SpotifyError as error:
                fault = fault or error
    return found, fault
