"""Which filter to loosen where filters leave little music."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

from recommender.types import EVERYTHING, Filters

FILTERS: Final = tuple(field.name for field in fields(Filters))
"""The filters, as `Filters` calls them."""


@dataclass(frozen=True, slots=True)
class Passing:
    """How many tracks of a catalogue pass some filters.

    Attributes:
        filters: what was counted for.
        tracks: how many pass all of them.
        without: how many pass all but one: filter, as `Filters` calls it → tracks. Only filters
            that are set are in it.
    """

    filters: Filters
    tracks: int
    without: Mapping[str, int]

    @property
    def best(self) -> str | None:
        """The filter that lets in the most tracks when it alone is lifted, if any lets in more."""
        name = max(self.without, key=lambda name: self.without[name], default=None)
        return name if name is not None and self.without[name] > self.tracks else None


def active(filters: Filters) -> tuple[str, ...]:
    """Return which filters are set, in the order of `FILTERS`."""
    return tuple(name for name in FILTERS if getattr(filters, name) != getattr(EVERYTHING, name))


def lifted(filters: Filters, name: str) -> Filters:
    """Return filters without one of them.

    Raises:
        ValueError: there is no such filter.
    """
    if name not in FILTERS:
        raise ValueError(f"Incorrect value for 'name' argument: {name!r}: one of {FILTERS}")
    return replace(filters, **{name: getattr(EVERYTHING, name)})


def filter_in_words(
    filters: Filters, name: str, *, language_name: Callable[[str], str] = str.upper
) -> str:
    """Name a filter within a sentence: "the 1990s filter", "the artists you left out".

    Args:
        filters: all of them.
        name: which one.
        language_name: returns what a language is called, by its code.
    """
    if name == "decades":
        one, several = [f"{decade}s" for decade in filters.decades], "decade"
    elif name == "genres":
        one, several = list(filters.genres), "genre"
    elif name == "languages":
        one, several = [language_name(code) for code in filters.languages], "language"
    elif name == "explicit":
        return "the filter on explicit tracks"
    else:
        left_out = "artist" if name == "without_artists" else "genre"
        names = getattr(filters, name)
        return f"the {left_out}{'' if len(names) == 1 else 's'} you left out"
    return f"the {one[0]} filter" if len(one) == 1 else f"the {several} filters"


def passing_in_words(passing: Passing, *, language_name: Callable[[str], str] = str.upper) -> str:
    """Say how many tracks pass, and what to loosen.

    For example: "14 tracks match your filters. Without the 1990s filter there are 320."
    """
    if not passing.tracks:
        said = "No track matches your filters."
    elif passing.tracks == 1:
        said = "Only 1 track matches your filters."
    else:
        said = f"{passing.tracks:,} tracks match your filters."
    if passing.best is None:
        return said
    more = passing.without[passing.best]
    name = filter_in_words(passing.filters, passing.best, language_name=language_name)
    return f"{said} Without {name} there {'is' if more == 1 else 'are'} {more:,}."
