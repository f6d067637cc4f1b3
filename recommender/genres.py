"""Genre families: which raw tag belongs to which, and which family suits which emotion."""

from __future__ import annotations

import difflib
import tomllib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from recommender.mood import COORDINATES

TABLE: Final = Path(__file__).parent / "data" / "genres.toml"
"""The table that ships with the package."""

UNSAID: Final = 0.3
"""How well a family suits an emotion that its entry leaves out."""


@dataclass(frozen=True, slots=True)
class GenreTable:
    """Families, the tags that lead to them and the emotions they suit.

    Attributes:
        families: names, in the order of the file.
        phrases: normalised tag phrase → family.
        suits: family → emotion → 0-1.
    """

    families: tuple[str, ...]
    phrases: Mapping[str, str]
    suits: Mapping[str, Mapping[str, float]]

    def family_of(self, tag: str) -> str | None:
        """Return the family of a raw tag, or ``None`` where no phrase occurs in it."""
        words = normalise(tag).split()
        for length in range(len(words), 0, -1):
            # From the back: in "jazz rap" or "latin jazz" the last word is the noun.
            for start in range(len(words) - length, -1, -1):
                family = self.phrases.get(" ".join(words[start : start + length]))
                if family is not None:
                    return family
        return None

    def families_of(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return the families of some tags, the one that most tags lead to first."""
        found = [family for family in map(self.family_of, tags) if family is not None]
        return tuple(family for family, _ in Counter(found).most_common())

    def scores(self, emotions: Mapping[str, float]) -> dict[str, float]:
        """Return how well each family suits a mixture of emotions, 0-1.

        Args:
            emotions: emotion → weight, 0 or more; `UNSAID` everywhere if all of them are 0.
        """
        total = sum(emotions.values())
        if total <= 0:
            return dict.fromkeys(self.families, UNSAID)
        return {
            family: sum(
                weight * self.suits[family].get(emotion, UNSAID)
                for emotion, weight in emotions.items()
            )
            / total
            for family in self.families
        }


def normalise(tag: str) -> str:
    """Return a tag in lower case, with hyphens, underscores and colons as single spaces."""
    return " ".join(tag.lower().replace("-", " ").replace("_", " ").replace(":", " ").split())


def resolve(
    genre: str, allowed: Collection[str], table: GenreTable, *, name: str = "genres"
) -> str:
    """Return the family that a person means by `genre`: its name, or a tag that leads to it.

    Args:
        genre: what was asked, in any case: ``folk``, ``Hip-Hop``, ``rnb``, ``indie folk``.
        allowed: the families to choose from.
        table: what tags mean.
        name: what the error calls the argument.

    Raises:
        ValueError: it is none of `allowed`; the message names the closest.
    """
    wanted = normalise(genre)
    for family in allowed:
        if normalise(family) == wanted:
            return family
    family_of_tag = table.phrases.get(wanted) or table.family_of(wanted)
    if family_of_tag in allowed and family_of_tag is not None:
        return family_of_tag
    raise ValueError(
        f"Incorrect value for '{name}' argument: {genre!r}: {_advice(wanted, allowed)}"
    )


def load(path: Path = TABLE) -> GenreTable:
    """Read and check a genre table.

    Raises:
        ValueError: it is not TOML, or a family, tag, emotion or weight in it is wrong.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path.name} is not a TOML file: {error}") from error
    entries = content.get("families")
    if not isinstance(entries, dict) or not entries:
        raise ValueError(f"{path.name} has no families")
    phrases: dict[str, str] = {}
    for family, entry in entries.items():
        for phrase in _phrases(path.name, family, entry):
            other = phrases.setdefault(phrase, family)
            if other != family:
                raise ValueError(f"{path.name}: tag {phrase!r} is in {other!r} and {family!r}")
    return GenreTable(
        families=tuple(entries),
        phrases=MappingProxyType(phrases),
        suits=MappingProxyType(
            {family: _weights(path.name, family, entry) for family, entry in entries.items()}
        ),
    )


@cache
def default_table() -> GenreTable:
    """Return the table that ships with the package, read once."""
    return load()


def _phrases(file: str, family: str, entry: Any) -> set[str]:
    tags = entry.get("tags") if isinstance(entry, dict) else None
    if not isinstance(tags, list) or not all(isinstance(tag, str) and tag for tag in tags):
        raise ValueError(f"{file}: {family!r} needs tags, a list of texts")
    return {normalise(tag) for tag in [family, *tags]}


def _weights(file: str, family: str, entry: Mapping[str, Any]) -> Mapping[str, float]:
    suits = entry.get("suits", {})
    for emotion, weight in suits.items():
        if emotion not in COORDINATES:
            raise ValueError(f"{file}: {family!r} suits {emotion!r}, which is not an emotion")
        if isinstance(weight, bool) or not isinstance(weight, (int, float)):
            raise ValueError(f"{file}: {family!r} suits {emotion} by {weight!r}: 0 to 1")
        if not 0 <= weight <= 1:
            raise ValueError(f"{file}: {family!r} suits {emotion} by {weight!r}: 0 to 1")
    return MappingProxyType({emotion: float(weight) for emotion, weight in suits.items()})


def _advice(wanted: str, allowed: Collection[str]) -> str:
    names = sorted(allowed)
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    everything = f"one of {', '.join(names)}" if names else "this catalogue has no genres"
    return f"did you mean {' or '.join(close)}? ({everything})" if close else everything
