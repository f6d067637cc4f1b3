"""Fits the mood plane to listeners' ratings: ``python -m recommender fit``.

A ridge regression from audio features to listeners' valence and arousal, on the songs that both a
table of listeners and a table of tracks know. A thousand songs are enough for a linear model and no
more: trees and boosting did worse. The strength of the ridge is chosen by cross-validation within
the training split, artists kept together; how far genre families' means are drawn towards zero is
chosen on the validation split; the test split is only reported on. The same tables give the same
file.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from recommender.catalog.plane import AXES, INPUTS, PLANE, input_of
from recommender.errors import CatalogError
from recommender.evaluation.listeners import (
    SPLITS,
    Recording,
    Said,
    join,
    read_listeners,
    read_recordings,
    unfitted,
)
from recommender.mood import CALM, COORDINATES
from recommender.types import Mood

Floats = NDArray[np.float64]

LADDER: Final[tuple[tuple[str, ...], ...]] = (
    (),
    ("speechiness", "loudness"),
    ("speechiness", "loudness", "tempo"),
    ("speechiness", "loudness", "tempo", "danceability", "instrumentalness"),
    ("speechiness", "loudness", "tempo", "danceability", "instrumentalness", "acousticness"),
)
"""The features that tables of tracks lack, from none to all but valence and energy; a model is
fitted for each."""

STRENGTHS: Final = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
FAMILY_SONGS: Final = (5.0, 10.0, 20.0, 40.0, 80.0)
"""How many songs of a family count half, which is the shrinkage: tried on the validation split."""

ARTIST_FOLDS: Final = 5
CORNER_DEPTHS: Final = (10, 20, 50)
MIN_TRAINING_SONGS: Final = 50
"""With fewer songs in the training split nothing is fitted."""

MIN_TWICE: Final = 20
"""With at least this many songs that were rated twice, the reliability is computed."""

TYPICAL_RELIABILITY: Final = 0.65
"""The correlation of two ratings of one song, if the table does not tell."""

CORNERS: Final[Mapping[str, Mood]] = {
    "happy": COORDINATES["happy"],
    "angry": COORDINATES["angry"],
    "sad": COORDINATES["sad"],
    "calm": CALM,
}
"""Corner of the plane → the mood that is asked for."""


def carrying(said: Floats, mood: Mood) -> NDArray[np.bool_]:
    """Return which songs carry a mood according to listeners, (songs,): a quarter of them.

    They are those whose ranks among the songs lie nearest to the mood, which is how tracks of a
    catalogue are matched. Well known songs are rated happier and livelier than most, and what is
    happy is mostly rated lively: quadrants of the figures themselves would be full or next to
    empty.

    Args:
        said: (songs, 2), valence and arousal.
        mood: one of `CORNERS`.
    """
    carried = np.zeros(len(said), dtype=bool)
    carried[nearest(ranks(said), mood)[: round(len(said) / len(CORNERS))]] = True
    return carried


def nearest(places: Floats, mood: Mood) -> NDArray[np.intp]:
    """Return the rows of places (songs, 2) by their distance from a mood, the nearest first."""
    distance = np.hypot(places[:, 0] - mood.valence, places[:, 1] - mood.arousal)
    return np.argsort(distance, kind="stable")


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a way of placing songs agrees with listeners.

    Attributes:
        songs: how many were looked at.
        correlation: with listeners' valence and with their arousal.
        precision: corner → the fraction of songs that carry its mood (see `carrying`) among the
            first of each of `CORNER_DEPTHS` when songs are sorted by the distance of their ranks
            from it. At random it is a quarter.
    """

    songs: int
    correlation: tuple[float, float]
    precision: Mapping[str, tuple[float, ...]]

    @property
    def mean(self) -> tuple[float, ...]:
        """The mean precision of the corners at each depth."""
        return tuple(float(np.mean(each)) for each in zip(*self.precision.values(), strict=True))


@dataclass(frozen=True, slots=True)
class Fit:
    """What was fitted.

    Attributes:
        content: the plane as its file has it.
        qualities: way of placing songs → how well it agrees with listeners.
    """

    content: Mapping[str, Any]
    qualities: Mapping[str, Quality]


def fit_files(labels: Path, facts: Path, target: Path = PLANE) -> Fit:
    """Fit the plane to two tables and write it.

    Args:
        labels: the table of listeners.
        facts: a table of tracks, as `python -m recommender import` reads it.
        target: the JSON file.

    Raises:
        CatalogError: a table cannot be read, or too few songs are in both; nothing is written then.
    """
    found = fit(read_recordings(facts), read_listeners(labels))
    content = {
        **found.content,
        "fitted": {"labels": labels.name, "facts": facts.name, **found.content["fitted"]},
    }
    try:
        target.write_text(_as_json(content), encoding="utf-8")
    except OSError as error:
        raise CatalogError(f"{target} cannot be written: {error.strerror or error}.") from error
    return Fit(content, found.qualities)


def fit(recordings: Sequence[Recording], said: Sequence[Said]) -> Fit:
    """Fit the plane.

    Raises:
        CatalogError: fewer than `MIN_TRAINING_SONGS` of the training split are among the
            recordings, or fewer than two of another one.
    """
    songs = _Songs(join(recordings, said), unfitted(said))
    for split, least in zip(SPLITS, (MIN_TRAINING_SONGS, 2, 2), strict=True):
        if songs.of(split).sum() < least:
            raise CatalogError(
                f"Only {songs.of(split).sum()} songs of the split {split!r} are in both tables; "
                f"{least} are needed."
            )
    models = [_fit_model(songs, lacking) for lacking in LADDER]
    shrinkage = _choose_shrinkage(songs, models[0])
    families = songs.family_means(models[0].residual(songs), shrinkage)
    predicted = {
        "learned plane": models[0].predict(songs) + songs.memberships @ families,
        "learned plane, no genres": models[0].predict(songs),
        **{
            f"learned plane, {_short(model)}": model.predict(songs)
            + songs.memberships @ songs.family_means(model.residual(songs), shrinkage)
            for model in models[1:]
        },
        "valence and energy as measured": songs.measured,
    }
    test, said_there = songs.of("test"), songs.said
    qualities = {name: quality(both[test], said_there[test]) for name, both in predicted.items()}
    crossed = songs.crossed(
        lambda rows: _crossed_fit(songs, models[0].strength, shrinkage, rows),
        np.ones(len(songs), dtype=bool),
    )
    qualities["learned plane, every song by a fit without its artist"] = quality(
        crossed, said_there
    )
    qualities["valence and energy as measured, every song"] = quality(songs.measured, said_there)
    reliability = _reliability(said)
    weight = [
        _label_weight(rely, correlation(crossed[:, axis], said_there[:, axis]))
        for axis, rely in enumerate(reliability)
    ]
    content = {
        "fitted": {
            "songs": {split: int(songs.of(split).sum()) for split in SPLITS},
            "shrinkage": shrinkage,
            "reliability": [round(each, 3) for each in reliability],
            "on_test": {
                name: {
                    "correlation": [round(each, 3) for each in found.correlation],
                    "precision_at_20": round(found.mean[CORNER_DEPTHS.index(20)], 3),
                }
                for name, found in qualities.items()
            },
        },
        "label_weight": [round(each, 3) for each in weight],
        "models": [model.content() for model in models],
        "families": {
            name: [round(float(each), 4) for each in both]
            for name, both in zip(songs.families, families, strict=True)
            if np.any(both)
        },
    }
    return Fit(content, qualities)


def quality(places: Floats, said: Floats) -> Quality:
    """Return how well places agree with listeners.

    Args:
        places: (songs, 2), valence and arousal in any unit.
        said: the same by listeners.
    """
    there = ranks(places)
    precision = {}
    for name, mood in CORNERS.items():
        carried, order = carrying(said, mood), nearest(there, mood)
        precision[name] = tuple(float(carried[order[:depth]].mean()) for depth in CORNER_DEPTHS)
    return Quality(
        songs=len(said),
        correlation=(
            correlation(places[:, 0], said[:, 0]),
            correlation(places[:, 1], said[:, 1]),
        ),
        precision=precision,
    )


def ranks(places: Floats) -> Floats:
    """Return percentile ranks on each axis, the middle one among equals, from -1 to 1."""
    ordered = np.sort(places, axis=0)
    return np.stack(
        [
            (
                np.searchsorted(ordered[:, axis], places[:, axis], "left")
                + np.searchsorted(ordered[:, axis], places[:, axis], "right")
            )
            / len(places)
            - 1
            for axis in range(places.shape[1])
        ],
        axis=1,
    )


def as_text(found: Fit) -> str:
    """Return what was fitted, and how well it agrees with listeners, for people."""
    content = found.content
    songs = ", ".join(f"{count:,} {split}" for split, count in content["fitted"]["songs"].items())
    lines = [
        f"Songs in both tables: {songs}",
        "",
        f"{'inputs':>6}  {'strength':>8}  goes by",
        *(
            f"{len(model['inputs']):>6}  {model['strength']:>8g}  {', '.join(model['inputs'])}"
            for model in content["models"]
        ),
        "",
        f"A genre family counts half from {content['fitted']['shrinkage']:g} songs on; "
        f"{len(content['families'])} families have a mean.",
        "What listeners say of a song itself counts "
        + " and ".join(
            f"{weight:.0%} ({axis})"
            for axis, weight in zip(AXES, content["label_weight"], strict=True)
        )
        + ".",
        "",
        f"{'':<56}{'correlation with listeners':>28}{'precision of four corners':>34}",
        f"{'on the test split':<56}{'valence':>14}{'arousal':>14}"
        + "".join(f"{f'at {depth}':>10}" for depth in CORNER_DEPTHS)
        + f"{'songs':>8}",
    ]
    for name, each in found.qualities.items():
        figures = "".join(f"{value:>14.3f}" for value in each.correlation)
        depths = "".join(f"{value:>10.3f}" for value in each.mean)
        lines.append(f"{name:<56}{figures}{depths}{each.songs:>8,}")
    learned = found.qualities["learned plane"]
    lines += ["", f"{'learned plane, each corner on the test split':<84}"]
    for name, precision in learned.precision.items():
        depths = "".join(f"{value:>10.3f}" for value in precision)
        lines.append(f"    {name}".ljust(84) + depths)
    return "\n".join(lines)


class _Songs:
    """The songs as arrays: their inputs and families, what listeners say, and folds by artist."""

    def __init__(self, pairs: Sequence[tuple[Recording, Said]], test: frozenset[Any]) -> None:
        # Songs of the test split by artists in another split are left out.
        kept = [(one, said) for one, said in pairs if said.split != "test" or said.name in test]
        self.said = np.array([(said.valence, said.arousal) for _, said in kept]).reshape(-1, 2)
        self.splits = np.array([said.split for _, said in kept])
        self.measured = np.array(
            [(one.features["valence"], one.features["energy"]) for one, _ in kept], dtype=float
        ).reshape(-1, 2)
        self.inputs = {
            name: np.array(
                [
                    np.nan if (value := input_of(name, one.features)) is None else value
                    for one, _ in kept
                ]
            )
            for name in INPUTS
        }
        self.families = sorted({name for one, _ in kept for name in one.genres})
        self.memberships = np.zeros((len(kept), len(self.families)))
        for row, (one, _) in enumerate(kept):
            for name in one.genres:
                self.memberships[row, self.families.index(name)] = 1 / len(one.genres)
        artists = sorted({said.name[0] for _, said in kept})
        shuffled = np.random.default_rng(0).permutation(len(artists)) % ARTIST_FOLDS
        folds = dict(zip(artists, shuffled, strict=True))
        self.folds = np.array([folds[said.name[0]] for _, said in kept])

    def __len__(self) -> int:
        return len(self.splits)

    def of(self, split: str) -> NDArray[np.bool_]:
        """Return which songs are of a split, (songs,)."""
        return np.asarray(self.splits == split)

    def family_means(
        self, residuals: Floats, shrinkage: float, rows: NDArray[np.bool_] | None = None
    ) -> Floats:
        """Return what each family adds, (families, 2): its songs' mean residual, drawn to 0."""
        kept = self.of("train") if rows is None else rows
        there = self.memberships[kept]
        return np.asarray(
            np.linalg.solve(
                there.T @ there + shrinkage * np.eye(there.shape[1]), there.T @ residuals[kept]
            )
        )

    def crossed(
        self, fitted: Callable[[NDArray[np.bool_]], Floats], rows: NDArray[np.bool_]
    ) -> Floats:
        """Return the prediction for each of some songs by a fit without its artist, (songs, 2).

        Args:
            fitted: takes which songs to fit to, and returns predictions for all.
            rows: the songs.
        """
        predicted = np.zeros((len(self), 2))
        for fold in range(ARTIST_FOLDS):
            held = rows & (self.folds == fold)
            predicted[held] = fitted(rows & (self.folds != fold))[held]
        return predicted


@dataclass(frozen=True, slots=True)
class _Ridge:
    """A ridge regression on standardised inputs; an unknown input counts as the mean."""

    names: tuple[str, ...]
    strength: float
    means: Floats
    scales: Floats
    slopes: Floats
    intercept: Floats

    def predict(self, songs: _Songs) -> Floats:
        columns = np.stack([songs.inputs[name] for name in self.names], axis=1)
        return np.asarray(
            self.intercept + np.nan_to_num((columns - self.means) / self.scales) @ self.slopes
        )

    def residual(self, songs: _Songs) -> Floats:
        return np.asarray(songs.said - self.predict(songs))

    def content(self) -> dict[str, Any]:
        rows = zip(self.names, self.means, self.scales, self.slopes, strict=True)
        return {
            "strength": self.strength,
            "intercept": [round(float(each), 5) for each in self.intercept],
            "inputs": {
                name: {
                    "mean": round(float(mean), 5),
                    "scale": round(float(scale), 5),
                    **{
                        axis: round(float(slope), 5)
                        for axis, slope in zip(AXES, slopes, strict=True)
                    },
                }
                for name, mean, scale, slopes in rows
            },
        }


def _ridge(songs: _Songs, names: Sequence[str], strength: float, rows: NDArray[np.bool_]) -> _Ridge:
    columns = np.stack([songs.inputs[name][rows] for name in names], axis=1)
    means, scales = np.nanmean(columns, axis=0), np.nanstd(columns, axis=0)
    scales = np.where(scales > 0, scales, 1.0)
    standard = np.nan_to_num((columns - means) / scales)
    said = songs.said[rows]
    intercept = said.mean(axis=0)
    slopes = np.linalg.solve(
        standard.T @ standard + strength * np.eye(len(names)), standard.T @ (said - intercept)
    )
    return _Ridge(tuple(names), strength, means, scales, slopes, intercept)


def _fit_model(songs: _Songs, lacking: Sequence[str]) -> _Ridge:
    """Fit to the training split, with the strength that predicts best for artists left out."""
    names = [
        name for name, terms in INPUTS.items() if not {each for each, _ in terms} & set(lacking)
    ]
    rows = songs.of("train")

    def error(strength: float) -> float:
        predicted = songs.crossed(
            lambda kept: _ridge(songs, names, strength, kept).predict(songs), rows
        )
        return float(((predicted - songs.said)[rows] ** 2).mean())

    return _ridge(songs, names, min(STRENGTHS, key=error), rows)


def _choose_shrinkage(songs: _Songs, model: _Ridge) -> float:
    """Return the shrinkage of families to 0 that predicts the validation split best."""
    rows = songs.of("validation")
    residuals = model.residual(songs)

    def error(shrinkage: float) -> float:
        more = songs.memberships @ songs.family_means(residuals, shrinkage)
        return float(((residuals - more)[rows] ** 2).mean())

    return min(FAMILY_SONGS, key=error)


def _crossed_fit(
    songs: _Songs, strength: float, shrinkage: float, rows: NDArray[np.bool_]
) -> Floats:
    model = _ridge(songs, tuple(INPUTS), strength, rows)
    families = songs.family_means(model.residual(songs), shrinkage, rows)
    return np.asarray(model.predict(songs) + songs.memberships @ families)


def _reliability(said: Sequence[Said]) -> tuple[float, float]:
    """Return how two ratings of one song correlate, one per axis; nothing of the test split."""
    twice = np.array(
        [
            [figure for rating in each.ratings[:2] for figure in rating]
            for each in said
            if len(each.ratings) > 1 and each.split != "test"
        ]
    )
    if len(twice) < MIN_TWICE:
        return TYPICAL_RELIABILITY, TYPICAL_RELIABILITY
    return correlation(twice[:, 0], twice[:, 2]), correlation(twice[:, 1], twice[:, 3])


def _label_weight(reliability: float, correlation: float) -> float:
    """Return the weight of a rating against a prediction that has the least error.

    Of a rating's variance of 1, `reliability` is what listeners agree on, and the rest is noise. A
    prediction explains `correlation` squared of it and misses the rest of what is agreed on.
    """
    missed = max(0.0, reliability - correlation**2)
    return missed / (missed + 1 - reliability) if missed else 0.0


def correlation(one: Floats, other: Floats) -> float:
    """Return Pearson's correlation of two columns, 0 where one of them is constant."""
    if np.std(one) == 0 or np.std(other) == 0:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def _short(model: _Ridge) -> str:
    features = dict.fromkeys(each for name in model.names for each, _ in INPUTS[name])
    return f"by {len(features)} features"


def _as_json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"
