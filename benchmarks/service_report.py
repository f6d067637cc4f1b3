"""The sizing table of `docs/deployment.md`, written from what `service.py` has measured."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
RECORD = ROOT / "benchmarks/records/service.json"
DOCUMENT = ROOT / "docs/deployment.md"
BEGIN, END = "<!-- written by benchmarks/service.py from here -->", "<!-- to here -->"

Figures = dict[str, Any]


def write_table() -> None:
    """Write the document's table from the record."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    document = DOCUMENT.read_text(encoding="utf-8")
    DOCUMENT.write_text(with_table(document, record), encoding="utf-8")


def with_table(document: str, record: Figures) -> str:
    """Return a document with the table between its two marks.

    Raises:
        ValueError: it lacks one of the marks.
    """
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"The document lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{as_markdown(record)}\n\n{END}{after}"


def as_markdown(record: Figures) -> str:
    """Return what was measured as two tables and a paragraph."""
    return "\n\n".join([_actions(record), _cameras(record), _summary(record)])


def _actions(record: Figures) -> str:
    lines = [
        f"| {record['visitors']} visitors, {record['processes']} processes on {record['cores']} "
        "cores: p50 · p95 | one at a time | all at once | processor time each |",
        "|---|---|---|---|",
    ]
    for name, key in (
        ("open the page", "page"),
        ("a photo of 12 megapixels, to its reading", "photo"),
        ("another set of music", "another set"),
    ):
        row = record[key]
        together = _seconds(row["all at once"]) if "all at once" in row else "–"
        work = row["processor time of the app, s"]
        lines.append(f"| {name} | {_seconds(row['one by one'])} | {together} | {work:.2f} s |")
    return "\n".join(lines)


def _cameras(record: Figures) -> str:
    lines = [
        "| live cameras at once | the page drawn a second, each | readings a second, each "
        "| frames a second, slowest | the app's processor time | balancer and relay "
        "| another visitor's set: p50 · p95 |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in record["cameras read in the browser"]:
        lines.append(
            f"| {row['cameras']}, read in the browser | by the browser "
            f"| not here | not here | {row['processors of the app, %']:.0f} % | – | – |"
        )
    for row in record["cameras read by the server"]:
        cells = (
            f"{row['cameras']}, read by the server",
            f"{row['page drawn a second, each']:.1f}",
            f"{row['readings a second, all'] / row['cameras']:.1f}",
            f"{row['frames shown a second, slowest']:.0f}",
            f"{row['processors of the app, %']:.0f} %",
            f"{row['processors of balancer and relay, %']:.0f} %",
            _seconds(row["another visitor's sets"]),
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _summary(record: Figures) -> str:
    memory, death = record["memory"], record["a killed process"]
    away = death["until the page was there again"]
    database = "PostgreSQL" if record["database"] == "postgresql" else "SQLite"
    video = "video through coturn alone" if record["relay"] else "video without a relay"
    return (
        f"100 % is one core. The page of a camera that the server reads is drawn 2.5 times a "
        f"second where there is time for it; a browser that reads reports every five seconds. A "
        f"process held {memory['a process at rest, MB']:.0f} MB at rest, and "
        f"{memory['a visitor, MB']:.1f} MB more for each visitor with a photo and a set. "
        f"{record['requests that went to another process']} requests went to a process that was "
        f"not their visitor's. When a process was killed, "
        f"{death['connected again']} of its {death['visitors of the killed process']} visitors "
        f"were back after {away['p50, s']:.1f} s (p95 {away['p95, s']:.1f} s), "
        f"{death['sets restored']} of them with their set; "
        f"{death['of them lost their connection']} of the {death['other visitors']} others "
        f"lost their connection.\n\n"
        f"Measured by `python benchmarks/service.py --record` on {record['when']}: "
        f"{record['processor']}, {database}, {video}, the visitors on the same machine without "
        f"browsers."
    )


def _seconds(spread: Figures) -> str:
    return f"{spread['p50, s']:.2f} · {spread['p95, s']:.2f} s"
