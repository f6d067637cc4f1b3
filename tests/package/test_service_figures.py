"""The sizing table of the deployment's document is what was measured."""

from __future__ import annotations

import json

import pytest

from benchmarks.service_report import BEGIN, DOCUMENT, END, RECORD, as_markdown, with_table

SPREAD = {"times": 20, "p50, s": 0.25, "p95, s": 0.5}
MEASURED = {
    "when": "2026-11-29",
    "processor": "A Processor",
    "cores": 2,
    "processes": 2,
    "visitors": 20,
    "database": "postgresql",
    "relay": "coturn",
    "memory": {"a process at rest, MB": 301.6, "a visitor, MB": 4.25},
    "page": {"processor time of the app, s": 0.125, "one by one": SPREAD},
    **{
        name: {
            "processor time of the app, s": 0.5,
            "one by one": SPREAD,
            "all at once": {**SPREAD, "p95, s": 3.0},
        }
        for name in ("photo", "another set")
    },
    "cameras read in the browser": [
        {"cameras": 20, "reports a second, each": 0.2, "processors of the app, %": 50.4}
    ],
    "cameras read by the server": [
        {
            "cameras": 4,
            "readings a second, all": 30.0,
            "page drawn a second, each": 2.44,
            "frames shown a second, slowest": 24.6,
            "processors of the app, %": 120.0,
            "processors of balancer and relay, %": 2.0,
            "another visitor's sets": SPREAD,
        }
    ],
    "requests that went to another process": 0,
    "a killed process": {
        "visitors of the killed process": 10,
        "connected again": 10,
        "sets restored": 9,
        "until the page was there again": SPREAD,
        "other visitors": 10,
        "of them lost their connection": 1,
    },
}


def test_the_table_says_what_was_measured() -> None:
    text = as_markdown(MEASURED)
    assert "| another set of music | 0.25 · 0.50 s | 0.25 · 3.00 s | 0.50 s |" in text
    assert "| open the page | 0.25 · 0.50 s | – | 0.12 s |" in text
    assert (
        "| 20, read in the browser | by the browser | not here | not here | 50 % | – | – |" in text
    )
    assert "| 4, read by the server | 2.4 | 7.5 | 25 | 120 % | 2 % | 0.25 · 0.50 s |" in text
    assert "held 302 MB at rest, and 4.2 MB more" in text
    assert "10 of its 10 visitors were back after 0.2 s (p95 0.5 s), 9 of them with their" in text
    assert "1 of the 10 others lost their connection" in text
    assert "PostgreSQL, video through coturn alone" in text


def test_the_table_takes_the_place_of_the_one_before() -> None:
    document = f"Before.\n{BEGIN}\nold\n{END}\nAfter.\n"
    first = with_table(document, MEASURED)
    assert first.startswith("Before.\n")
    assert first.endswith("\nAfter.\n")
    assert "old" not in first
    assert with_table(first, MEASURED) == first
    with pytest.raises(ValueError, match="lacks"):
        with_table("Nothing.", MEASURED)


def test_the_document_has_the_table_of_the_record() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    if RECORD.exists():
        record = json.loads(RECORD.read_text(encoding="utf-8"))
        assert document == with_table(document, record)
    else:
        assert f"{BEGIN}\n\n{END}" in document
