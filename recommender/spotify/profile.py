"""What a listener likes, according to their Spotify account."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from recommender.catalog.catalog import Catalog
from recommender.genres import GenreTable, default_table
from recommender.spotify.client import SpotifyClient
from recommender.spotify.errors import SpotifyError
from recommender.spotify.types import TIME_RANGES, SpotifyArtist, SpotifyTrack
from recommender.taste.taste import Affinities

PROFILE_SECONDS: Final = 5.0
"""Seconds for all calls together."""

RANGES: Final = {"short_term": 1.0, "medium_term": 0.8, "long_term": 0.6}
"""How much the top list of each time range counts: recent ones count more."""

HALF_WEIGHT_RANK: Final = 15
"""The rank at which a place counts half as much as the first."""

PLAY_WEIGHT: Final = 0.2
"""What one of the last 50 plays counts."""


Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of a listener.

    Attributes:
        affinities: artists and genre families, 0-1, the strongest 1.
        artists: names of the most heard artists, the most heard first.
        genres: families, the strongest first.
        tracks: the most heard tracks.
        trouble: the first fault, if some of it could not be read.
    """

    affinities: Affinities
    artists: tuple[str, ...]
    genres: tuple[str, ...]
    tracks: tuple[SpotifyTrack, ...]
    trouble: SpotifyError | None = None


def read_profile(
    client: SpotifyClient, *, catalog: Catalog | None = None, seconds: float = PROFILE_SECONDS
) -> Profile:
    """Read the top artists and tracks of three time ranges and recent plays, all at once.

    Seven calls; keep the answer with the visitor's sign-in and don't ask again for a day.

    Args:
        client: the listener's. Needs `TASTE_SCOPES`.
        catalog: says the genres of the tracks that it knows; Spotify names few genres.
        seconds: seconds for all of it.

    Raises:
        SpotifyError: nothing at all could be read.
    """
    limited = client.with_deadline(seconds)
    asks: dict[str, Callable[[], list[Any]]] = {
        **{f"artists {time}": partial(limited.top_artists, time) for time in TIME_RANGES},
        **{f"tracks {time}": partial(limited.top_tracks, time) for time in TIME_RANGES},
        "recent": limited.recently_played,
    }
    answers: dict[str, list[Any]] = {}
    faults: list[SpotifyError] = []
    with ThreadPoolExecutor(len(asks), thread_name_prefix="taste") as pool:
        for name, future in {name: pool.submit(ask) for name, ask in asks.items()}.items():
            try:
                answers[name] = future.result()
            except SpotifyError as fault:
                faults.append(fault)
    if not answers:
        raise faults[0]
    return profile_of(answers, catalog=catalog, trouble=faults[0] if faults else None)


def profile_of(
    answers: Mapping[str, Sequence[Any]],
    *,
    catalog: Catalog | None = None,
    trouble: SpotifyError | None = None,
    table: GenreTable | None = None,
) -> Profile:
    """Return the profile that some lists make.

    Args:
        answers: ``artists short_term`` … → `SpotifyArtist`, ``tracks short_term`` … and
            ``recent`` → `SpotifyTrack`.
        catalog, trouble: as in `read_profile` and `Profile`.
        table: which tag leads to which family.
    """
    table = table or default_table()
    artists: defaultdict[str, float] = defaultdict(float)
    genres: defaultdict[str, float] = defaultdict(float)
    tracks: defaultdict[SpotifyTrack, float] = defaultdict(float)
    names: dict[str, str] = {}
    for time, weight in RANGES.items():
        artist: SpotifyArtist
        for rank, artist in enumerate(answers.get(f"artists {time}", ())):
            worth = weight / (1 + rank / HALF_WEIGHT_RANK)
            names.setdefault(artist.name.casefold(), artist.name)
            artists[artist.name.casefold()] += worth
            for family in table.families_of(artist.tags):
                genres[family] += worth
        for rank, track in enumerate(answers.get(f"tracks {time}", ())):
            tracks[track] += weight / (1 + rank / HALF_WEIGHT_RANK)
    for track in answers.get("recent", ()):
        tracks[track] += PLAY_WEIGHT
    for track, worth in tracks.items():
        for name in track.artists:
            names.setdefault(name.casefold(), name)
            artists[name.casefold()] += worth / 2
    for track_genres, worth in _known(tracks, catalog):
        for family in track_genres:
            genres[family] += worth
    return Profile(
        affinities=Affinities(_scaled(artists), _scaled(genres)),
        artists=tuple(names[name] for name in _ordered(artists)),
        genres=tuple(_ordered(genres)),
        tracks=tuple(_ordered(tracks)),
        trouble=trouble,
    )


def _known(
    tracks: Mapping[SpotifyTrack, float], catalog: Catalog | None
) -> list[tuple[tuple[str, ...], float]]:
    if catalog is None or not tracks:
        return []
    found = catalog.find([(track.title, track.artists[0]) for track in tracks])
    return [
        (track.genres, worth)
        for track, worth in zip(found, tracks.values(), strict=True)
        if track is not None
    ]


def _ordered(weights: Mapping[Item, float]) -> list[Item]:
    return sorted(weights, key=lambda item: -weights[item])


def _scaled(weights: Mapping[str, float]) -> dict[str, float]:
    most = max(weights.values(), default=1.0)
    return {name: weight / most for name, weight in weights.items()}
