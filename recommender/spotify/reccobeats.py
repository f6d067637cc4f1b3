"""Valence and energy from ReccoBeats, which needs no key: optional, and off by default.

It is one operator's service and knows about six tracks in ten. What it learns is which tracks
were found, never for whom.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import requests

from recommender.spotify import limits as shared_limits
from recommender.spotify.cache import DayCache
from recommender.spotify.errors import SpotifyError
from recommender.spotify.limits import Limits
from recommender.spotify.transport import call_with_timeout, new_session, quiet_logs

URL: Final = "https://api.reccobeats.com/v1/"
"""Where it answers."""

SWITCH: Final = "AFFECTUNE_RECCOBEATS"
"""The environment variable that turns it on: ``1``."""

MAX_IDS_PER_REQUEST: Final = 40
"""Ids in one request."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Features:
    """What was measured of a recording, 0-1; tempo in beats a minute, loudness in decibels."""

    valence: float
    energy: float
    danceability: float | None = None
    acousticness: float | None = None
    instrumentalness: float | None = None
    tempo: float | None = None
    speechiness: float | None = None
    loudness: float | None = None


class ReccoBeats:
    """Looks recordings up. Asks for each id once a day, and backs off after any fault.

    Args:
        url: its address.
        limits: where back-offs are recorded, as the kind ``features``.
        session: what sends the requests.
    """

    def __init__(
        self,
        *,
        url: str = URL,
        limits: Limits | None = None,
        session: requests.Session | None = None,
    ) -> None:
        quiet_logs()
        self._url = f"{url.rstrip('/')}/audio-features"
        self._limits = shared_limits.SHARED if limits is None else limits
        self._session = session or new_session()
        self._known: DayCache[tuple[Features | None]] = DayCache(4096)

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def look_up(self, ids: Sequence[str], *, seconds: float = 1.5) -> dict[str, Features]:
        """Return what is known of some tracks. A fault is not raised: nothing new is known then.

        Args:
            ids: Spotify's; the first `MAX_IDS_PER_REQUEST` that are not known yet are asked for.
            seconds: how long to wait.
        """
        asked = [track_id for track_id in ids if self._known.get(track_id) is None][
            :MAX_IDS_PER_REQUEST
        ]
        if asked and seconds > 0:
            self._fetch(asked, seconds)
        kept = {track_id: self._known.get(track_id) for track_id in ids}
        return {name: entry[0] for name, entry in kept.items() if entry and entry[0]}

    def _fetch(self, ids: Sequence[str], seconds: float) -> None:
        try:
            self._limits.check("features")
            found = call_with_timeout(lambda: self._ask(ids, seconds), seconds)
        except (SpotifyError, requests.RequestException, ValueError, TypeError) as fault:
            if "features" not in self._limits.backing_off():
                self._limits.back_off("features")
            _log.info("ReccoBeats did not answer: %s", type(fault).__name__)
            return
        for track_id in ids:
            self._known.put(track_id, (found.get(track_id),))

    def _ask(self, ids: Sequence[str], seconds: float) -> dict[str, Features]:
        response = self._session.get(
            self._url,
            params={"ids": ",".join(ids)},
            timeout=(seconds, seconds),
            allow_redirects=False,
        )
        if response.status_code == 429:
            raise self._limits.back_off("features", response.headers.get("Retry-After"))
        response.raise_for_status()
        content = response.json()
        entries = content.get("content") if isinstance(content, Mapping) else None
        if not isinstance(entries, list):
            raise TypeError("no list of features")
        found: dict[str, Features] = {}
        for entry in entries:
            if isinstance(entry, Mapping) and (features := _read(entry)) is not None:
                found[str(entry.get("href") or "").rsplit("/", 1)[-1]] = features
        return found


def shared() -> ReccoBeats | None:
    """Return the process's ReccoBeats where the environment turns it on, else ``None``."""
    return _one() if os.environ.get(SWITCH, "").strip() == "1" else None


@cache
def _one() -> ReccoBeats:
    return ReccoBeats()


def _read(entry: Mapping[str, Any]) -> Features | None:
    valence, energy = _fraction(entry.get("valence")), _fraction(entry.get("energy"))
    if valence is None or energy is None:
        return None
    tempo, loudness = entry.get("tempo"), entry.get("loudness")
    return Features(
        valence,
        energy,
        _fraction(entry.get("danceability")),
        _fraction(entry.get("acousticness")),
        _fraction(entry.get("instrumentalness")),
        float(tempo) if isinstance(tempo, (int, float)) and 0 < tempo < 400 else None,
        _fraction(entry.get("speechiness")),
        float(loudness) if isinstance(loudness, (int, float)) and -60 <= loudness <= 10 else None,
    )


def _fraction(value: object) -> float | None:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if number and 0 <= value <= 1 else None  # type: ignore[arg-type,operator]
