"""Checks on what a visitor's browser sends: anyone can send anything."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

import streamlit as st

from emotion.labels import EMOTIONS
from emotion.types import Box
from recommender.types import Mood

logger = logging.getLogger(__name__)

MAX_SIDE_PX: Final = 16_384
"""No picture that a browser reads has more pixels a side."""

MAX_CHARACTERS: Final = 1_000
"""No id, name or title that a component sends back is longer."""

MAX_INTEGER: Final = 2**53 - 1
"""JavaScript's largest safe integer."""

_Value = TypeVar("_Value")
_Word = TypeVar("_Word", bound=str)


def sent(key: str, name: str, parse: Callable[[Any], _Value]) -> _Value | None:
    """Return what a component's browser part has sent, or ``None``.

    What the component's own script would not send is logged and otherwise ignored: the visitor
    who forges it gets no error page, and nobody's mood or playlist changes.

    Args:
        key: of the component.
        name: of the state or trigger value.
        parse: checks and converts the value. It may raise a ValueError, TypeError or KeyError.
    """
    value = (st.session_state.get(key) or {}).get(name)
    if value is None:
        return None
    try:
        return parse(value)
    except (KeyError, TypeError, ValueError) as error:
        logger.warning("A browser sent a malformed %r for %r: %r", name, key, error)
        return None


def number(value: Any) -> float:
    """Return a finite number of at least 0.

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number is needed")
    # JSON knows integers of any length, which no float can hold.
    if not 0 <= value <= sys.float_info.max:
        raise ValueError("a finite number of at least 0 is needed")
    return float(value)


def integer(value: Any) -> int:
    """Return an integer from 0 to `MAX_INTEGER`.

    Raises:
        ValueError: it is none.
    """
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise ValueError("an integer of at least 0 is needed")
    return value


def text(value: Any) -> str:
    """Return a text of at most `MAX_CHARACTERS`.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS:
        raise ValueError(f"a text of at most {MAX_CHARACTERS} characters is needed")
    return value


def one_of(words: Collection[_Word], value: Any) -> _Word:
    """Return the one of some words that the value equals.

    Raises:
        ValueError: it is none of them.
    """
    for word in words:
        if value == word:
            return word
    raise ValueError(f"one of {', '.join(words)} is needed")


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a JSON object, whose values are still to be checked.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(value, Mapping):
        raise ValueError("an object is needed")
    return value


def mood(values: Mapping[str, Any]) -> Mood:
    """Return ``valence`` and ``arousal``, −1 to 1 each, as a mood.

    Raises:
        ValueError: one is out of range. A KeyError or TypeError where something is missing.
    """
    axes = values["valence"], values["arousal"]
    for axis in axes:
        if isinstance(axis, bool) or not isinstance(axis, int | float) or not -1 <= axis <= 1:
            raise ValueError("a number from -1 to 1 is needed")
    return Mood(*axes)


def probabilities(values: Sequence[Any]) -> tuple[float, ...]:
    """Return seven probabilities that sum to 1, in the order of ``EMOTIONS``.

    Raises:
        ValueError: they are none. A TypeError where it is no sequence.
    """
    numbers = tuple(number(value) for value in values)
    if len(numbers) != len(EMOTIONS) or abs(sum(numbers) - 1) > 0.01:
        raise ValueError(f"{len(EMOTIONS)} probabilities that sum to 1 are needed")
    return tuple(value / sum(numbers) for value in numbers)


def box(values: Mapping[str, Any]) -> Box:
    """Return ``x``, ``y``, ``width`` and ``height`` as a box.

    Raises:
        ValueError: it is none. A KeyError or TypeError where something is missing.
    """
    sides = [int(number(values[name])) for name in ("x", "y", "width", "height")]
    if max(sides) > MAX_SIDE_PX:
        raise ValueError("a box within a picture is needed")
    return Box(*sides)
