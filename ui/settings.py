"""Settings of the app that more than one part of it reads."""

from __future__ import annotations

import logging
import os
from functools import cache
from typing import cast

import streamlit as st

from emotion.labels import HEADS, HeadName

logger = logging.getLogger(__name__)


def head() -> HeadName:
    """Return which head of the network to use: ``AFFECTUNE_HEAD``, by default "people"."""
    return _checked(os.environ.get("AFFECTUNE_HEAD", "").strip() or "people")


def base_path() -> str:
    """Return the path under which the app is served: ``""``, or a slash and ``server.baseUrlPath``
    without one at its end."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def processes() -> int:
    """Return how many processes of the app share the machine: ``AFFECTUNE_PROCESSES``."""
    text = os.environ.get("AFFECTUNE_PROCESSES", "").strip() or "1"
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        logger.warning(
            "AFFECTUNE_PROCESSES is %r: it must be a whole number of at least 1; using 1", text
        )
        return 1
    return int(text)


@cache
def _checked(wanted: str) -> HeadName:
    if wanted not in HEADS:
        logger.warning(
            "AFFECTUNE_HEAD is %r: it must be one of %s; using people", wanted, ", ".join(HEADS)
        )
        return "people"
    return cast("HeadName", wanted)
