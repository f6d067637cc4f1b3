"""How well labelled tracks are retrieved by mood: precision at 10 and at 20."""

from __future__ import annotations

import csv
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Final

from recommender.catalog.catalog import Catalog
from recommender.errors import CatalogError
from recommender.evaluation.baselines import InMemoryRecommender, PlaylistRecommender, baselines
from recommender.mood import COORDINATES, mood_named
from recommender.request import Request

DEPTHS: Final = (10, 20)
"""The numbers of tracks after which precision is taken."""

SEEDS: Final = (1, 2, 3, 4, 5)

Labels = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Found:
    """How well tracks with one label are retrieved.

    Attributes:
        label: the mood.
        tracks: how many of the labelled tracks have it.
        precision: recommender → the fraction of tracks with the label among the first of each of
            `DEPTHS`, the mean over seeds. Where fewer tracks have it, 1 is out of reach.
    """

    label: str
    tracks: int
    precision: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class Precision:
    """How well labelled tracks are retrieved.

    Attributes:
        known: how many labelled tracks the catalogue has.
        missing: how many it lacks.
        labels: each of the labels.
    """

    known: int
    missing: int
    labels: tuple[Found, ...]


def read_labels(path: Path) -> dict[str, frozenset[str]]:
    """Read a CSV with the columns ``id`` and ``mood``; a track may have several rows.

    Returns:
        Id → its moods, as `mood_named` takes them, in lower case.

    Raises:
        CatalogError: the file is missing, is not text, lacks a column, has no rows, or a row has an
            unknown mood or no id; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = csv.DictReader(file)
            columns = [name.strip().casefold() for name in rows.fieldnames or ()]
            lacking = [name for name in ("id", "mood") if name not in columns]
            if lacking:
                raise CatalogError(f"{path} lacks the columns {', '.join(lacking)} of labels.")
            rows.fieldnames = columns
            labels: dict[str, set[str]] = {}
            for row in rows:
                label = _label(path, rows.line_num, row["id"], row["mood"])
                labels.setdefault(str(row["id"]).strip(), set()).add(label)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CatalogError(f"{path} cannot be read as a CSV of labels: {error}") from error
    if not labels:
        raise CatalogError(f"{path} has no labels.")
    return {track_id: frozenset(moods) for track_id, moods in labels.items()}


def precision(
    catalog: Catalog, labels: Labels, *, recommenders: Sequence[PlaylistRecommender] | None = None
) -> Precision:
    """Measure how well tracks with each label are retrieved among all the labelled tracks.

    For each label, playlists that stay with its mood are drawn from the labelled tracks.

    Args:
        catalog: where the tracks are.
        labels: id → moods, as `read_labels` returns them.
        recommenders: ours first; by default ours and all of `baselines`.

    Raises:
        CatalogError: the catalogue has none of the tracks.
    """
    tracks = catalog.get_many(sorted(labels))
    if not tracks:
        raise CatalogError(f"{catalog.name} has none of the {len(labels)} labelled tracks.")
    recommenders = recommenders or (InMemoryRecommender(), *baselines())
    for each in recommenders:
        each.fit(tracks)
    having = {
        label: {track.id for track in tracks if label in labels[track.id]}
        for label in sorted(set().union(*labels.values()))
    }
    return Precision(
        known=len(tracks),
        missing=len(labels) - len(tracks),
        labels=tuple(
            Found(
                label, len(ids), {each.name: _precision(each, label, ids) for each in recommenders}
            )
            for label, ids in having.items()
            if ids
        ),
    )


def _precision(
    recommender: PlaylistRecommender, label: str, wanted: Collection[str]
) -> tuple[float, ...]:
    emotions = {label: 1.0} if label in COORDINATES else None
    hits: list[list[bool]] = []
    for seed in SEEDS:
        playlist = recommender.answer(
            Request(mood_named(label), intent="match", n=max(DEPTHS), seed=seed, emotions=emotions)
        )
        hits.append([pick.track.id in wanted for pick in playlist.picks])
    return tuple(fmean(sum(hit[:depth]) / depth for hit in hits) for depth in DEPTHS)


def _label(path: Path, line: int, track_id: str | None, mood: str | None) -> str:
    if not (track_id or "").strip():
        raise CatalogError(f"{path}, line {line}: the id is missing.")
    label = " ".join((mood or "").casefold().split())
    try:
        mood_named(label)
    except ValueError as error:
        raise CatalogError(f"{path}, line {line}: {error}") from error
    return label
