"""What is claimed about pictures and diaries is claimed everywhere in the same words."""

from __future__ import annotations

import re

import pytest

from tests.security.served import ROOT
from ui import wording
from ui.server import setup as server


def text(name: str) -> str:
    """A document as running text."""
    return re.sub(r"[\s*>-]+", " ", (ROOT / name).read_text(encoding="utf-8"))


def claim(sentence: str) -> str:
    return re.sub(r"[\s*>-]+", " ", sentence)


@pytest.mark.parametrize("document", ["README.md", "docs/security.md", "docs/deployment.md"])
@pytest.mark.parametrize(
    "promise",
    [
        wording.PHOTO_PROMISE,
        wording.CLIP_PROMISE,
        wording.LIVE_PROMISE,
        wording.DEVICE_PROMISE,
        wording.DEVICE_PHOTO_PROMISE,
        wording.VISIT_PROMISE,
    ],
)
def test_documents_agree_on_what_happens_to_images(document: str, promise: str) -> None:
    assert claim(promise) in text(document)


@pytest.mark.parametrize("document", ["README.md", "docs/security.md"])
def test_documents_agree_on_the_local_diary(document: str) -> None:
    assert claim(wording.DIARY_ASSUMES) in text(document)


def test_the_promise_leaves_time_for_all_that_has_to_happen() -> None:
    config = (ROOT / ".streamlit/config.toml").read_text(encoding="utf-8")
    seconds = re.search(r"^disconnectedSessionTTL = (\d+)$", config, re.MULTILINE)
    assert seconds
    assert "three minutes" in wording.PHOTO_PROMISE
    assert int(seconds[1]) + server.SWEEP_SECONDS + server.COLLECT_SECONDS < 180 - 20


@pytest.mark.parametrize("document", ["README.md", "docs/security.md", "docs/deployment.md"])
def test_no_document_claims_postgresql_files_are_wiped(document: str) -> None:
    said = text(document)
    assert "PostgreSQL server keeps remains" in said or "PostgreSQL does neither" in said
    assert "gone from the file as well" not in said


def test_vulnerabilities_are_reported_privately() -> None:
    said = text("SECURITY.md")
    assert "Report a vulnerability" in said
    assert "@" not in said
