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
    """Return which head of the network is read: ``AFFECTUNE_HEAD``, by default "people"."""
    return _checked(os.environ.get("AFFECTUNE_HEAD", "").strip() or "people")


def base_path() -> str:
    """Return the path under which the app is served, without a slash at its end: ``""``, or what
    ``server.baseUrlPath`` says behind a slash."""
    base = str(st.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{base}" if base else ""


def processes() -> int:
    """Return how many processes of the app share the machine: ``AFFECTUNE_PROCESSES``."""
    text = os.environ.get("AFFECTUNE_PROCESSES", "").strip() or "1"
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        logger.warning(
            "AFFECTUNE_PROCESSES is %r: a number of at least 1 is needed; 1 is taken", text
        )
        return 1
    return int(text)


@cache
def _checked(wanted: str) -> HeadName:
    if wanted not in HEADS:
        logger.warning("AFFECTUNE_HEAD is %r: one of %s; people is taken", wanted, ", ".join(HEADS))
        return "people"
    return cast("HeadName", wanted)
