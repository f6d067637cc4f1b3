"""A playlist as text to export. Every format can always be encoded as UTF-8."""

from __future__ import annotations

import csv
import io
import json
import re
import unicodedata
from typing import Any, Final
from urllib.parse import quote
from xml.etree import ElementTree

from recommender.mood import describe
from recommender.sharing.spreadsheet import harmless
from recommender.types import Pick, Playlist, Track

COLUMNS = ("position", "title", "artists", "genres", "year", "valence", "energy", "url", "reason")

XSPF: Final = "http://xspf.org/ns/0/"
"""The namespace of XSPF, in version 1 as well."""

MAKER: Final = "Affectune"


def to_m3u8(playlist: Playlist) -> str:
    """Return an extended M3U in UTF-8: an ``#EXTINF`` line and an address for each track.

    The format has one line for a title and no way to escape: line breaks in it become spaces.
    A length that is not known is written as -1, as the format asks.
    """
    lines = ["#EXTM3U", f"#PLAYLIST:{title_of(playlist)}"]
    for pick in playlist.picks:
        track = pick.track
        lines += [f"#EXTINF:{_seconds(track)},{_one_line(_label(track))}", _address(track)]
    return "\n".join(lines) + "\n"


def to_xspf(playlist: Playlist) -> str:
    """Return an XSPF of version 1 (https://www.xspf.org/spec): XML with a reason for each track.

    Characters that XML cannot hold, control characters above all, are left out.
    """
    root = ElementTree.Element("playlist", {"xmlns": XSPF, "version": "1"})
    _add(root, {"title": title_of(playlist), "creator": MAKER})
    tracks = ElementTree.SubElement(root, "trackList")
    for pick in playlist.picks:
        _add(ElementTree.SubElement(tracks, "track"), _fields(pick))
    ElementTree.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(root, "unicode")}\n'


def to_jspf(playlist: Playlist) -> str:
    """Return a JSPF (https://www.xspf.org/jspf): the same as JSON, locations and ids in lists."""
    tracks = [
        {
            name: [value] if name in ("location", "identifier") else value
            for name, value in _fields(pick).items()
        }
        for pick in playlist.picks
    ]
    head: dict[str, Any] = {"title": title_of(playlist), "creator": MAKER, "track": tracks}
    return json.dumps({"playlist": head}, ensure_ascii=False, indent=2) + "\n"


def to_csv(playlist: Playlist) -> str:
    """Return a CSV with a header and one row per track; several artists or genres go into one cell.

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
    """Return one address per line, to paste into Spotify's desktop app."""
    return "".join(f"{_address(pick.track)}\n" for pick in playlist.picks)


def to_text(playlist: Playlist) -> str:
    """Return a numbered list to paste anywhere: ``1. Title · Artist, Artist``.

    A name that is written from right to left is set apart by Unicode's isolates, or it would
    drag the number and the other names to its side.
    """
    return "".join(
        f"{position}. {_apart(pick.track.title)} · "
        f"{', '.join(_apart(artist) for artist in pick.track.artists)}\n"
        for position, pick in enumerate(playlist.picks, start=1)
    )


def title_of(playlist: Playlist) -> str:
    """Return what to call a playlist: only places on the mood plane, nothing about a person."""
    start, end = describe(playlist.mood), describe(playlist.target)
    way = start if start == end else f"from {start} to {end}"
    return f"{MAKER}: {way}"


def _fields(pick: Pick) -> dict[str, str | int]:
    """Return what XSPF and JSPF say about a track, in the order that the specification lists."""
    track = pick.track
    fields: dict[str, str | int] = {
        "location": _address(track),
        "identifier": f"spotify:track:{_escaped(track.id)}",
        "title": _encodable(track.title),
        "creator": _encodable(", ".join(track.artists)),
        **({"annotation": _encodable(pick.reason)} if pick.reason else {}),
        "info": _address(track),
    }
    if track.duration_ms is not None:
        fields["duration"] = max(0, round(track.duration_ms))
    return fields


def _add(element: ElementTree.Element, fields: dict[str, str | int]) -> None:
    for name, value in fields.items():
        # A parser reads every line break as \n, so that is what is written.
        text = re.sub(r"\r\n?", "\n", str(value))
        ElementTree.SubElement(element, name).text = _NOT_IN_XML.sub("", text)


_NOT_IN_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Whatever is not a Char of XML 1.0 (https://www.w3.org/TR/xml/#charsets)."""


def _address(track: Track) -> str:
    """Return a track's page as a URI: an id from elsewhere may hold anything."""
    return track.url.removesuffix(track.id) + _escaped(track.id)


def _escaped(track_id: str) -> str:
    return quote(track_id, safe="", errors="replace")


def _encodable(text: str) -> str:
    """Replace halves of surrogate pairs, which no encoding has a place for."""
    return re.sub("[\ud800-\udfff]", "\ufffd", text)


def _apart(text: str) -> str:
    """Isolate a text's direction of writing from what is around it."""
    text = re.sub("[\u202a-\u202e\u2066-\u2069]", "", _one_line(text))
    leftwards = {"R", "AL", "AN"} & {unicodedata.bidirectional(letter) for letter in text}
    return f"\u2068{text}\u2069" if leftwards else text


def _row(position: int, pick: Pick) -> list[str | int | float]:
    track = pick.track
    return [
        position,
        harmless(_encodable(track.title)),
        harmless(_encodable("; ".join(track.artists))),
        harmless(_encodable("; ".join(track.genres))),
        "" if track.year is None else track.year,
        track.valence,
        track.energy,
        _address(track),
        harmless(_encodable(pick.reason)),
    ]


def _label(track: Track) -> str:
    return f"{', '.join(track.artists)} - {track.title}"


def _seconds(track: Track) -> int:
    return -1 if track.duration_ms is None else round(track.duration_ms / 1000)


def _one_line(text: str) -> str:
    """Join with spaces whatever Python, players or editors take for several lines."""
    joined = " ".join(_encodable(text).splitlines())
    return " ".join(re.sub(r"[\x00-\x1f\x7f]", " ", joined).split())
