"""What a visitor corrects, from photo to photo; the rules are in `tests/ui/test_own_face.py`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from emotion import personal
from ui.state import VisitorState

CORRECTED = ":small[New readings now lean towards your corrections.]"
ANGRY_REST = {"angry": 0.55, "neutral": 0.30, "sad": 0.06, "fear": 0.05}
TYPICAL = (-2.5, -4.5, -3.0, -3.0, -2.5, -4.0, -0.5)


@pytest.fixture(autouse=True)
def typical(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(personal, "typical_log_probabilities", lambda: TYPICAL)


def lines(app: AppTest) -> list[str]:
    return [text.value for text in app.markdown]


def test_a_correction_counts_in_the_next_photo_and_is_forgotten(
    selfie: Callable[..., AppTest], button: Any
) -> None:
    app = selfie(ANGRY_REST)
    assert CORRECTED not in lines(app)
    app.pills[0].select("neutral").run()
    assert CORRECTED in lines(app)
    visitor: VisitorState = app.session_state["visitor"]
    before = visitor.photo.scores.as_dict()["neutral"] if visitor.photo else 0.0
    app = selfie_again(app)
    assert visitor.photo is not None
    assert visitor.corrected_emotion is None
    assert before + 0.03 < visitor.photo.scores.as_dict()["neutral"] < before + 0.2
    button(app, ":small[Forget my corrections]").click().run()
    assert visitor.photo.scores.as_dict()["neutral"] == pytest.approx(before)
    assert CORRECTED not in lines(app)


def selfie_again(app: AppTest) -> AppTest:
    from tests.pages.conftest import jpeg

    return app.file_uploader[0].upload("again.jpg", jpeg()).run()
