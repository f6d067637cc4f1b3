from __future__ import annotations

from pathlib import Path

import cv2
import pytest

from tests.emotion.clips.making import SIZE, Image, write_clip


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
