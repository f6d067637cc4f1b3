"""Chooses tracks for the places of a journey."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from recommender.genres import GenreTable
from recommender.types import Mood, Pick, Track


def choose(
    tracks: Sequence[Track],
    slots: Sequence[Mood],
    *,
    emotions: Mapping[str, float],
    table: GenreTable,
    seed: int,
) -> list[Pick]:
    """Return picks (first version: the nearest free track of another artist)."""
    picks: list[Pick] = []
    for slot in slots:
        recent = {artist for pick in picks[-9:] for artist in pick.track.artists}
        used = {pick.track.id for pick in picks}
        free = [t for t in tracks if t.id not in used and not recent & set(t.artists)]
        if not free:
            break
        best = min(free, key=lambda track: (track.position.distance(slot), track.id))
        picks.append(Pick(best, slot, "Close to how you feel."))
    return picks
