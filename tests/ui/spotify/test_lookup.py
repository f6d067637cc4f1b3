"""Times of day, in the time zone that a visitor's browser names."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
import streamlit as st

from ui.spotify import lookup


@pytest.mark.parametrize("zone", [None, "Mars/Olympus", "../etc/passwd", "America"])
def test_unknown_time_zone_is_utc(zone: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    # "America" is a folder of time zones.
    monkeypatch.setattr(st, "context", SimpleNamespace(timezone=zone))
    assert lookup.clock(datetime(2020, 5, 4, 13, 7, tzinfo=UTC)) == "13:07 on 4 May"
