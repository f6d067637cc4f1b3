from __future__ import annotations

import os
from pathlib import Path

import cv2
import pytest

from tests.emotion.clips.making import FLAG, SIZE, Image, write_clip


@pytest.fixture(scope="session")
def small(astronaut: Image) -> Image:
    """Her face, about 60 pixels wide, in 160 x 160."""
    return cv2.resize(astronaut[20:290, 90:360], (SIZE, SIZE), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="session")
def nobody(landscape: Image) -> Image:
    return landscape[:SIZE, :SIZE]


@pytest.fixture
def clip(tmp_path: Path, small: Image) -> Path:
    """One second of the face."""
    return write_clip(tmp_path / "take 1.mp4", [small] * 10)


@pytest.fixture
def flag(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What `dies_once` goes by."""
    path = tmp_path / "died"
    monkeypatch.setenv(FLAG, str(path))
    monkeypatch.setenv(f"{FLAG}_NOT", str(os.getpid()))
    return path
