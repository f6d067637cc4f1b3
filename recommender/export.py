"""A playlist as text to take along. All three are UTF-8 once encoded."""

from __future__ import annotations

import csv
import io
import re

from recommender.types import Pick, Playlist, Track

COLUMNS = ("position", "title", "artists", "genres", "year", "valence", "energy", "url", "reason")


def to_m3u(playlist: Playlist) -> str:
    """Return an extended M3U: one ``#EXTINF`` line and one address for each track.

    The format has one line for a title and no way to escape: line breaks in it become spaces.
    A length that is not known is written as -1, as the format asks.
    """
    lines = ["#EXTM3U", "#PLAYLIST:Affectune"]
    for pick in playlist.picks:
        track = pick.track
        lines += [f"#EXTINF:{_seconds(track)},{_one_line(_label(track))}", track.url]
    return "\n".join(lines) + "\n"


def to_csv(playlist: Playlist) -> str:
    """Return a CSV with a header and one row a track; several artists or genres share a cell.

    Line breaks, commas and quotes survive in quoted cells. A text that a spreadsheet would run
    as a formula is preceded by an apostrophe, which is how OWASP's "CSV injection" says to
    disarm it.
    """
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for position, pick in enumerate(playlist.picks, start=1):
        writer.writerow(_row(position, pick))
    return out.getvalue()


def to_links(playlist: Playlist) -> str:
    """Return one address a line, which Spotify's desktop app takes as a paste."""
    return "".join(f"{pick.track.url}\n" for pick in playlist.picks)


def _row(position: int, pick: Pick) -> list[str | int | float]:
    track = pick.track
    return [
        position,
        _harmless(track.title),
        _harmless("; ".join(track.artists)),
        _harmless("; ".join(track.genres)),
        "" if track.year is None else track.year,
        track.valence,
        track.energy,
        track.url,
        _harmless(pick.reason),
    ]


def _label(track: Track) -> str:
    return f"{', '.join(track.artists)} - {track.title}"


def _seconds(track: Track) -> int:
    return -1 if track.duration_ms is None else round(track.duration_ms / 1000)


def _one_line(text: str) -> str:
    """Join with spaces whatever Python, players or editors take for several lines."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", " ".join(text.splitlines())).split())


def _harmless(text: str) -> str:
    """Disarm what a spreadsheet would take for a formula."""
    risky = text.lstrip().startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r"))
    return f"'{text}" if risky else text
