"""Where a recording lies on the mood plane: from its audio features to what listeners would say.

Listeners disagree with the measured valence and energy, so a track is placed by a linear model that
was fitted to listeners' ratings of songs (`recommender.evaluation.fit`). The model is data,
``data/mood_plane.json``; this module evaluates it for one track, or as SQL for a whole table. Its
figures are in standard deviations of listeners' ratings; the rest of the library works with their
ranks within a catalogue.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

PLANE: Final = Path(__file__).parents[1] / "data" / "mood_plane.json"
"""The model that ships with the package."""

AXES: Final = ("valence", "arousal")

INPUTS: Final[Mapping[str, tuple[tuple[str, float], ...]]] = MappingProxyType(
    {
        "valence": (("valence", 1.0),),
        "energy": (("energy", 1.0),),
        "danceability": (("danceability", 1.0),),
        "√acousticness": (("acousticness", 0.5),),
        "√instrumentalness": (("instrumentalness", 0.5),),
        "speechiness": (("speechiness", 1.0),),
        "tempo": (("tempo", 1.0),),
        "loudness": (("loudness", 1.0),),
        "valence × energy": (("valence", 1.0), ("energy", 1.0)),
        "valence²": (("valence", 2.0),),
        "energy²": (("energy", 2.0),),
        "valence × √acousticness": (("valence", 1.0), ("acousticness", 0.5)),
    }
)
"""Possible inputs of the model: name → features and exponents; the input is their product."""

AUDIO_FEATURES: Final = tuple(dict.fromkeys(name for terms in INPUTS.values() for name, _ in terms))
"""The audio features that a table may have; valence and energy are required."""

MIN_KNOWN_FRACTION: Final = 0.5
"""A table counts as having a feature if at least this fraction of its rows have it."""

FIGURE_STEP: Final = 1e-4
"""Figures are rounded to this: far below what is audible, and it makes ranks cheap to compute."""


@dataclass(frozen=True, slots=True)
class Model:
    """A linear model of listeners' ratings, for tables that have certain features.

    Attributes:
        features: the features that it uses.
        intercept: the figure of an average recording, one per axis of `AXES`.
        means: input → the value that stands in where it is not known.
        slopes: input → what one unit of it adds, one per axis.
    """

    features: frozenset[str]
    intercept: tuple[float, float]
    means: Mapping[str, float]
    slopes: Mapping[str, tuple[float, float]]

    def figures(self, features: Mapping[str, float | None]) -> tuple[float, float]:
        """Return valence and arousal of one recording, without regard to its genres."""
        sums = list(self.intercept)
        for name, slopes in self.slopes.items():
            value = input_of(name, features)
            known = self.means[name] if value is None else value
            for axis, slope in enumerate(slopes):
                sums[axis] += slope * (known - self.means[name])
        return sums[0], sums[1]

    def expression(self, axis: str) -> str:
        """Return the same for one of `AXES` as SQL, on columns named after the features."""
        place = AXES.index(axis)
        terms = [f"{self.intercept[place]!r}"]
        for name, slopes in self.slopes.items():
            mean = self.means[name]
            terms.append(f"{slopes[place]!r} * (coalesce({_sql(name)}, {mean!r}) - ({mean!r}))")
        return f"({' + '.join(terms)})"


@dataclass(frozen=True, slots=True)
class MoodPlane:
    """The learned plane.

    Attributes:
        models: for tables with many features first, for those with valence and energy alone last.
        families: genre family → what it adds to the figures of its recordings, one per axis. For a
            recording with several, the mean counts.
        label_weight: the weight of listeners' ratings of a recording itself against what the model
            predicts, 0-1, one per axis.
        fingerprint: twelve hexadecimal digits, the same for the same coefficients.
    """

    models: tuple[Model, ...]
    families: Mapping[str, tuple[float, float]]
    label_weight: tuple[float, float]
    fingerprint: str

    def model_for(self, features: Collection[str]) -> Model:
        """Return the model that makes the most of some features."""
        return next(model for model in self.models if model.features <= set(features))

    def of_family(self, genres: Sequence[str]) -> tuple[float, float]:
        """Return what the families of a recording add to its figures."""
        known = [self.families[name] for name in genres if name in self.families]
        if not known:
            return 0.0, 0.0
        return (
            sum(valence for valence, _ in known) / len(known),
            sum(arousal for _, arousal in known) / len(known),
        )

    def figures(
        self, features: Mapping[str, float | None], genres: Sequence[str] = ()
    ) -> tuple[float, float]:
        """Return valence and arousal of one recording, in standard deviations.

        Args:
            features: feature → figure, as `recommender.catalog.columns` has them. Valence and
                energy are needed; the others may be missing.
            genres: its genre families.
        """
        known = [name for name in AUDIO_FEATURES if features.get(name) is not None]
        valence, arousal = self.model_for(known).figures(features)
        more = self.of_family(genres)
        return valence + more[0], arousal + more[1]


def input_of(name: str, features: Mapping[str, float | None]) -> float | None:
    """Return one of `INPUTS` of a recording, or ``None`` where a feature of it is not known."""
    product = 1.0
    for feature, power in INPUTS[name]:
        value = features.get(feature)
        if value is None:
            return None
        product *= math.sqrt(value) if power == 0.5 else value**power
    return product


def load(path: Path = PLANE) -> MoodPlane:
    """Read a model as `recommender.evaluation.fit` writes it.

    Raises:
        ValueError: it is not one.
    """
    text = path.read_text(encoding="utf-8")
    try:
        content = json.loads(text)
        models = tuple(_model(each) for each in content["models"])
        families = {name: _pair(both) for name, both in content["families"].items()}
        label_weight = _pair(content["label_weight"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path.name} is no mood plane: {error!r}") from error
    if not models or not models[-1].features <= {"valence", "energy"}:
        raise ValueError(f"{path.name} has no model for tables with valence and energy alone")
    used = {name: content[name] for name in ("models", "families", "label_weight")}
    digest = hashlib.sha256(json.dumps(used, sort_keys=True).encode()).hexdigest()
    return MoodPlane(models, MappingProxyType(families), label_weight, digest[:12])


@cache
def default_plane() -> MoodPlane:
    """Return the plane that ships with the package, read once."""
    return load()


def _model(content: Mapping[str, Any]) -> Model:
    inputs = content["inputs"]
    unknown = inputs.keys() - INPUTS.keys()
    if unknown:
        raise ValueError(f"unknown inputs: {', '.join(sorted(unknown))}")
    return Model(
        features=frozenset(feature for name in inputs for feature, _ in INPUTS[name]),
        intercept=_pair(content["intercept"]),
        means=MappingProxyType({name: float(each["mean"]) for name, each in inputs.items()}),
        # The file has coefficients of standardised inputs; a slope is per unit of the input itself.
        slopes=MappingProxyType(
            {
                name: (
                    float(each["valence"]) / float(each["scale"]),
                    float(each["arousal"]) / float(each["scale"]),
                )
                for name, each in inputs.items()
            }
        ),
    )


def _pair(both: Sequence[float]) -> tuple[float, float]:
    valence, arousal = both
    return float(valence), float(arousal)


def _sql(name: str) -> str:
    factors = []
    for feature, power in INPUTS[name]:
        if power == 0.5:
            factors.append(f"sqrt({feature})")
        else:
            factors += [feature] * int(power)
    return " * ".join(factors)
