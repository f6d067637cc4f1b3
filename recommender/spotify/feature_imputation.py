"""Places tracks found on Spotify on the mood plane: Spotify no longer gives their features."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Final

from recommender.catalog.catalog import Catalog, Means
from recommender.mood import room_mood
from recommender.spotify.reccobeats import Features
from recommender.spotify.types import SpotifyTrack
from recommender.types import Mood, Track

GENRE_WEIGHT_TRACKS: Final = 1.5
"""The mean of a genre counts as much as this many tracks of the artist. Chosen by guessing measured
tracks from the others of their artist and genre. A guess is rough, and is called one."""

PLACE_WEIGHT_TRACKS: Final = 1.5
"""The place on the plane that a search was made for counts as much as this many tracks of the
artist, since its words ("slow acoustic") say something about what it finds. A judgement: only
Spotify could measure it."""

NEARBY_TRACKS: Final = 10
"""How many tracks of the catalogue are averaged for the features of a place on the plane."""

TYPICAL_POPULARITY: Final = 40.0
"""The popularity, 0-100, of a track from Spotify, which no longer gives it: a little below the
middle, so that it wins by fitting and not by popularity."""

_OTHER_VERSION: Final = re.compile(
    r"\b(live|acoustic|unplugged|remix|mix|edit|karaoke|instrumental|sped|slowed|demo|cover|"
    r"version|session)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A track that a search found, and the genre family and mood that the search was for."""

    track: SpotifyTrack
    family: str | None = None
    near: Mood | None = None


def place(
    candidates: Sequence[Candidate],
    catalog: Catalog,
    *,
    look_up: Callable[[Sequence[str]], Mapping[str, Features]] | None = None,
) -> list[Track]:
    """Return the candidates that can be placed, in their order, each recording once.

    What the catalogue knows (by id, else by ISRC, else by title and first artist) keeps what was
    measured; then what `look_up` knows. The rest are placed where the artist's and the genre's
    tracks usually lie, with ``estimated`` set; if neither is known, the track is left out.

    Args:
        candidates: what was found.
        catalog: whose figures and whose plane are used.
        look_up: ids → what was measured elsewhere.
    """
    unique = _unique(candidates)
    placed = _known(unique, catalog)
    rest = [candidate for name, candidate in unique.items() if name not in placed]
    features = look_up([candidate.track.id for candidate in rest]) if look_up and rest else {}
    guess = _Guess(rest, catalog)
    for candidate in rest:
        measured = features.get(candidate.track.id)
        if measured is not None:
            genres = (candidate.family,) if candidate.family else ()
            position = catalog.place(asdict(measured), genres)
            placed[candidate.track.id] = _track(candidate, measured, position, estimated=False)
        elif (guessed := guess.of(candidate)) is not None:
            placed[candidate.track.id] = _track(candidate, *guessed, estimated=True)
    return [placed[name] for name in unique if name in placed]


def _unique(candidates: Sequence[Candidate]) -> dict[str, Candidate]:
    """Return id → candidate; of a recording on several albums (one ISRC) the first."""
    recordings: dict[str, Candidate] = {}
    for candidate in candidates:
        recordings.setdefault(candidate.track.isrc or candidate.track.id, candidate)
    return {candidate.track.id: candidate for candidate in recordings.values()}


class _Guess:
    """Where the tracks of artists and genres usually lie."""

    def __init__(self, candidates: Sequence[Candidate], catalog: Catalog) -> None:
        names = {name for candidate in candidates for name in candidate.track.artists}
        self._artists = catalog.artist_means(sorted(names)) if names else {}
        self._genres = catalog.genre_means() if names else {}
        self._places = {
            near: _means_at(near, catalog)
            for near in {candidate.near for candidate in candidates}
            if near is not None
        }

    def of(self, candidate: Candidate) -> tuple[Features, Mood] | None:
        """Return figures and place: the artists' mean, drawn to the genre's and the search's."""
        known = [
            (self._artists[name], float(self._artists[name].tracks))
            for name in candidate.track.artists
            if name in self._artists
        ]
        if candidate.family in self._genres:
            known.append((self._genres[candidate.family], GENRE_WEIGHT_TRACKS))
        if not known:
            return None
        if candidate.near is not None:
            known.append((self._places[candidate.near], PLACE_WEIGHT_TRACKS))
        weights = [weight for _, weight in known]
        position = room_mood([means.position for means, _ in known], weights)
        return Features(
            sum(means.valence * weight for means, weight in known) / sum(weights),
            sum(means.energy * weight for means, weight in known) / sum(weights),
        ), position


def _means_at(place: Mood, catalog: Catalog) -> Means:
    """Return what the tracks around a place on the plane usually have."""
    tracks = catalog.candidates(place, limit=NEARBY_TRACKS)
    return Means(
        sum(track.valence for track in tracks) / len(tracks),
        sum(track.energy for track in tracks) / len(tracks),
        place,
        len(tracks),
    )


def _known(candidates: Mapping[str, Candidate], catalog: Catalog) -> dict[str, Track]:
    known = {track.id: track for track in catalog.get_many(list(candidates))}
    rest = [candidate.track for name, candidate in candidates.items() if name not in known]
    recordings = catalog.find_recordings([track.isrc for track in rest if track.isrc])
    found = catalog.find([(track.title, track.artists[0]) for track in rest]) if rest else []
    for track, song in zip(rest, found, strict=True):
        recording = recordings.get(track.isrc) if track.isrc else None
        same = recording or song
        if same is not None:
            known[track.id] = replace(
                same,
                id=track.id,
                title=track.title,
                duration_ms=track.duration_ms or same.duration_ms,
                explicit=same.explicit if track.explicit is None else track.explicit,
                # A live take of a measured song was not measured itself.
                estimated=recording is None and _versions(track.title) != _versions(same.title),
            )
    return known


def _versions(title: str) -> set[str]:
    return {word.lower() for word in _OTHER_VERSION.findall(title)}


def _track(candidate: Candidate, figures: Features, position: Mood, *, estimated: bool) -> Track:
    found = candidate.track
    return Track(
        id=found.id,
        title=found.title,
        artists=found.artists,
        genres=(candidate.family,) if candidate.family else (),
        year=found.year,
        valence=figures.valence,
        energy=figures.energy,
        danceability=figures.danceability,
        acousticness=figures.acousticness,
        instrumentalness=figures.instrumentalness,
        tempo=figures.tempo,
        popularity=TYPICAL_POPULARITY,
        position=position,
        explicit=found.explicit,
        duration_ms=found.duration_ms,
        estimated=estimated,
    )
