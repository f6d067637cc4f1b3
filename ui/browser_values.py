"""Validation of what a visitor's browser sends, which could be anything."""

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
"""The most pixels on a side of any picture that a browser reads."""

MAX_CHARACTERS: Final = 1_000
"""Characters of the longest id, name or title that a component sends back."""

MAX_INTEGER: Final = 2**53 - 1
"""JavaScript's largest safe integer."""

_Value = TypeVar("_Value")
_Word = TypeVar("_Word", bound=str)


def sent(key: str, name: str, parse: Callable[[Any], _Value]) -> _Value | None:
    """Return a value that a component's frontend has sent, or ``None``.

    A value that the component's own script would not send is logged and otherwise ignored: whoever
    forges it gets no error page, and no mood or playlist changes.

    Args:
        key: the component's key.
        name: the name of the state or trigger.
        parse: checks and converts the value; may raise a ValueError, TypeError or KeyError.
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
    """Return the value, a finite number of at least 0.

    Raises:
        ValueError: it is not one.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("a number is needed")
    # JSON knows integers of any length, which no float can hold.
    if not 0 <= value <= sys.float_info.max:
        raise ValueError("a finite number of at least 0 is needed")
    return float(value)


def integer(value: Any) -> int:
    """Return the value, an integer from 0 to `MAX_INTEGER`.

    Raises:
        ValueError: it is not one.
    """
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise ValueError("an integer of at least 0 is needed")
    return value


def text(value: Any) -> str:
    """Return the value, a text of at most `MAX_CHARACTERS`.

    Raises:
        ValueError: it is not one.
    """
    if not isinstance(value, str) or len(value) > MAX_CHARACTERS:
        raise ValueError(f"a text of at most {MAX_CHARACTERS} characters is needed")
    value.encode()  # half a character (a lone surrogate), which no file or query takes, raises
    return value


def one_of(words: Collection[_Word], value: Any) -> _Word:
    """Return the word that the value equals.

    Raises:
        ValueError: it equals none of the words.
    """
    for word in words:
        if value == word:
            return word
    raise ValueError(f"one of {', '.join(words)} is needed")


def mapping(value: Any) -> Mapping[str, Any]:
    """Return the value, a JSON object with values that are still unchecked.

    Raises:
        ValueError: it is not one.
    """
    if not isinstance(value, Mapping):
        raise ValueError("an object is needed")
    return value


def mood(values: Mapping[str, Any]) -> Mood:
    """Return ``valence`` and ``arousal``, −1 to 1 each, as a mood.

    Raises:
        ValueError: one is not a number, or out of range.
        KeyError, TypeError: one is missing.
    """
    axes = values["valence"], values["arousal"]
    for axis in axes:
        if isinstance(axis, bool) or not isinstance(axis, int | float) or not -1 <= axis <= 1:
            raise ValueError("a number from -1 to 1 is needed")
    return Mood(*axes)


def probabilities(values: Sequence[Any]) -> tuple[float, ...]:
    """Return seven probabilities that sum to 1, in the order of ``EMOTIONS``.

    Raises:
        ValueError: they are not.
        TypeError: it is not a sequence.
    """
    numbers = tuple(number(value) for value in values)
    if len(numbers) != len(EMOTIONS) or abs(sum(numbers) - 1) > 0.01:
        raise ValueError(f"{len(EMOTIONS)} probabilities that sum to 1 are needed")
    return tuple(value / sum(numbers) for value in numbers)


def box(values: Mapping[str, Any]) -> Box:
    """Return ``x``, ``y``, ``width`` and ``height``, in pixels, as a box.

    Raises:
        ValueError: one is not a number, or too large.
        KeyError, TypeError: one is missing.
    """
    sides = [int(number(values[name])) for name in ("x", "y", "width", "height")]
    if max(sides) > MAX_SIDE_PX:
        raise ValueError("a box within a picture is needed")
    return Box(*sides)
