"""Where else a track can be heard: search pages that need no key and no call of ours."""

from __future__ import annotations

from typing import Final, NamedTuple
from urllib.parse import quote

from recommender.types import Track


class Link(NamedTuple):
    """A service by its name, and the address of a track there."""

    service: str
    url: str


SEARCHES: Final = (
    Link("YouTube Music", "https://music.youtube.com/search?q="),
    Link("Apple Music", "https://music.apple.com/search?term="),
    Link("Deezer", "https://www.deezer.com/search/"),
    Link("Bandcamp", "https://bandcamp.com/search?item_type=t&q="),
)
"""Addresses that a search for artist and title is appended to."""


def elsewhere(track: Track) -> tuple[Link, ...]:
    """Return links to a track: its page on Spotify, then searches for it elsewhere.

    A search is for artists and title; nothing about a listener is in a link.
    """
    words = quote(f"{' '.join(track.artists)} {track.title}", safe="")
    return (
        Link("Spotify", track.url),
        *(Link(service, f"{address}{words}") for service, address in SEARCHES),
    )
