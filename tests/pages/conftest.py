"""The real app in Streamlit's own test harness; only the network is replaced where named."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from emotion.labels import EMOTIONS
from emotion.types import Box, EmotionScores, Face, FaceReading, ImageReading
from ui import services

ROOT = Path(__file__).parents[2]

HAPPY = {"happy": 0.58, "surprise": 0.21, "neutral": 0.11, "sad": 0.04, "fear": 0.03, "angry": 0.02}
UNSURE = {"neutral": 0.40, "sad": 0.38, "angry": 0.10, "fear": 0.07}


def scores(probabilities: dict[str, float]) -> EmotionScores:
    rest = 1.0 - sum(probabilities.values())
    return EmotionScores(
        tuple(
            probabilities.get(emotion, rest if emotion == "disgust" else 0.0)
            for emotion in EMOTIONS
        )
    )


class FakeRecognizer:
    """Finds the faces that a test put into it, in any picture."""

    def __init__(self) -> None:
        self.reading = ImageReading(())
        self.problem: Exception | None = None
        self.pictures: list[tuple[int, ...]] = []

    def show(self, *faces: dict[str, float], notes: tuple[str, ...] = ()) -> None:
        self.reading = ImageReading(
            tuple(
                FaceReading(Face(Box(10 + 60 * place, 20, 50, 50)), scores(face))
                for place, face in enumerate(faces)
            ),
            notes,
        )

    def warm_up(self) -> None:
        """Nothing to load."""

    def analyze(
        self, image: np.ndarray, *, on_stage: Callable[[str], None] | None = None
    ) -> ImageReading:
        if self.problem:
            raise self.problem
        if on_stage:
            on_stage("detect")
            on_stage("classify")
        self.pictures.append(image.shape)
        return self.reading


@pytest.fixture
def recognizer(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRecognizer]:
    fake = FakeRecognizer()
    monkeypatch.setattr(services, "_load_recognizer", lambda: fake)
    services._recognizer.clear()
    yield fake
    services._recognizer.clear()


class WarmPages(PagesManager):
    """What a server knows of its pages once it has run the router."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        PagesManager.uses_pages_directory = False


@pytest.fixture
def warm_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have `AppTest` go on like a server that runs already.

    By itself it is a cold one in every run: each page takes a detour by way of the router, which
    doubles the time and loses what widgets hold. `test_router.py` tests the cold server.
    """
    monkeypatch.setattr("streamlit.testing.v1.app_test.PagesManager", WarmPages)


@pytest.fixture
def app(recognizer: FakeRecognizer, warm_server: None) -> AppTest:
    """The first page, as a visitor meets it. Everything but the network is real."""
    return AppTest.from_file(str(ROOT / "app.py"), default_timeout=60).run()


@pytest.fixture
def selfie(app: AppTest, recognizer: FakeRecognizer) -> Callable[..., AppTest]:
    """Hand in a picture with the faces named, and return the page that answers."""

    def hand_in(*faces: dict[str, float], notes: tuple[str, ...] = ()) -> AppTest:
        recognizer.show(*faces, notes=notes)
        app.switch_page("pages/selfie.py").run()
        return app.file_uploader[0].upload("me.jpg", jpeg()).run()

    return hand_in


def jpeg(width: int = 320, height: int = 240) -> bytes:
    """A picture of nothing."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), "#886655").save(out, "JPEG")
    return out.getvalue()


@pytest.fixture
def sent_to() -> Callable[[AppTest, str], dict[str, Any]]:
    """What Python sends to one of our own elements."""

    def read(app: AppTest, name: str) -> dict[str, Any]:
        (element,) = (
            element
            for element in app.get("bidi_component")
            if element.proto.component_name == f"affectune.{name}"
        )
        data: dict[str, Any] = json.loads(element.proto.json)
        return data

    return read


@pytest.fixture
def button() -> Callable[[AppTest, str], Any]:
    """The one button with a label."""

    def find(app: AppTest, label: str) -> Any:
        (found,) = (button for button in app.button if button.label == label)
        return found

    return find


@pytest.fixture
def happy() -> dict[str, float]:
    return HAPPY


@pytest.fixture
def unsure() -> dict[str, float]:
    return UNSURE


@pytest.fixture
def sad() -> dict[str, float]:
    return {"sad": 0.80, "neutral": 0.15}


@pytest.fixture
def picture() -> bytes:
    return jpeg()
