"""What listeners would say of playlists: how well songs that they rated are retrieved by mood.

For each corner of the mood plane a playlist is drawn from songs of one split of a table of
listeners. What counts is how many of the first tracks carry the mood according to listeners.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

import numpy as np
from numpy.typing import NDArray

from recommender.errors import CatalogError
from recommender.evaluation.baselines import InMemoryRecommender, PlaylistRecommender, baselines
from recommender.evaluation.fit import CORNER_DEPTHS, CORNERS, carrying, correlation, ranks
from recommender.evaluation.listeners import Said, join, unfitted
from recommender.mood import COORDINATES
from recommender.request import Request
from recommender.types import Mood, Track

LISTENER_SEEDS: Final = (1, 2, 3, 4, 5)

MIN_LISTENED_SONGS: Final = 60
"""With fewer songs nothing is measured: only a quarter of them carries each mood."""


@dataclass(frozen=True, slots=True)
class ListenerView:
    """How well music fits according to listeners.

    Attributes:
        split: of the table of listeners.
        songs: how many of its songs are among the tracks.
        correlation: way of placing songs → its correlation with listeners' valence and with their
            arousal.
        precision: recommender → corner → the fraction of tracks that carry the mood among the
            first of each of `fit.CORNER_DEPTHS`, the mean over `LISTENER_SEEDS`. At random it is
            a quarter.
    """

    split: str
    songs: int
    correlation: Mapping[str, tuple[float, float]]
    precision: Mapping[str, Mapping[str, tuple[float, ...]]]

    def mean(self, recommender: str) -> tuple[float, ...]:
        """Return the mean of the corners at each depth."""
        corners = self.precision[recommender].values()
        return tuple(fmean(depth) for depth in zip(*corners, strict=True))


def listener_view(
    tracks: Sequence[Track],
    said: Sequence[Said],
    *,
    split: str = "test",
    recommenders: Sequence[PlaylistRecommender] | None = None,
) -> ListenerView:
    """Measure how well songs of a split are retrieved by mood.

    Args:
        tracks: where the songs are looked for.
        said: what listeners say.
        split: of the table. Of ``test``, songs by artists of the other splits are left out.
        recommenders: ours first; by default ours and all of `baselines`.

    Raises:
        CatalogError: fewer than `MIN_LISTENED_SONGS` of the songs are among the tracks.
    """
    songs = songs_of(tracks, said, split)
    if len(songs) < MIN_LISTENED_SONGS:
        raise CatalogError(
            f"Only {len(songs)} songs of the split {split!r} of listeners are among the tracks; "
            f"{MIN_LISTENED_SONGS} are needed."
        )
    rated = np.array([(each.valence, each.arousal) for _, each in songs])
    chosen_from = [track for track, _ in songs]
    carried = {
        name: {
            track.id
            for track, carries in zip(chosen_from, carrying(rated, mood), strict=True)
            if carries
        }
        for name, mood in CORNERS.items()
    }
    recommenders = recommenders or (InMemoryRecommender(), *baselines())
    precision = {}
    for each in recommenders:
        each.fit(chosen_from)
        precision[each.name] = {
            name: _precision(each, name, mood, carried[name]) for name, mood in CORNERS.items()
        }
    measured = np.array([(track.valence, track.energy) for track in chosen_from])
    placed = _positions(chosen_from)
    return ListenerView(
        split=split,
        songs=len(songs),
        correlation={
            what: (correlation(both[:, 0], rated[:, 0]), correlation(both[:, 1], rated[:, 1]))
            for what, both in (("the learned plane", placed), ("valence and energy", measured))
        },
        precision=precision,
    )


def songs_of(tracks: Sequence[Track], said: Sequence[Said], split: str) -> list[tuple[Track, Said]]:
    """Return the songs of a split with their tracks, placed by their ranks among each other."""
    kept = unfitted(said) if split == "test" else None
    pairs = [
        (track, each)
        for track, each in join(tracks, said)
        if each.split == split and (kept is None or each.name in kept)
    ]
    if not pairs:
        return []
    there = ranks(_positions([track for track, _ in pairs]))
    return [
        (replace(track, position=Mood(float(valence), float(arousal))), each)
        for (track, each), (valence, arousal) in zip(pairs, there, strict=True)
    ]


def _positions(tracks: Sequence[Track]) -> NDArray[np.float64]:
    return np.array([(track.position.valence, track.position.arousal) for track in tracks])


def _precision(
    recommender: PlaylistRecommender, name: str, mood: Mood, carried: set[str]
) -> tuple[float, ...]:
    emotions = {name: 1.0} if name in COORDINATES else None
    hits: list[list[bool]] = []
    for seed in LISTENER_SEEDS:
        playlist = recommender.answer(
            Request(mood, intent="match", n=max(CORNER_DEPTHS), seed=seed, emotions=emotions)
        )
        hits.append([pick.track.id in carried for pick in playlist.picks])
    return tuple(fmean(sum(hit[:depth]) / depth for hit in hits) for depth in CORNER_DEPTHS)
