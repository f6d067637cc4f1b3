from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tests.emotion.clips.making import write_clip
from tests.ui.clip.happy import Happy, face


@pytest.fixture
def clip(app: AppTest, recognizer: Any, tmp_path: Path) -> AppTest:
    """The selfie page with two seconds of a face, read as happy."""
    recognizer.classifier = Happy()
    data = write_clip(tmp_path / "me.mp4", [face()] * 20).read_bytes()
    app.switch_page("pages/selfie.py").run()
    return app.file_uploader[0].upload("me.mp4", data).run()


def test_a_clip_shows_the_mood_over_time_and_asks_for_the_music(
    clip: AppTest, button: Any, sent_to: Any
) -> None:
    assert not clip.exception
    assert clip.title[0].value == "😊 Happy"
    assert [header.value for header in clip.header] == [
        *("What should the music do?", "Your mood over time")
    ]
    assert "Happy all the way through." in [text.value for text in clip.markdown]
    assert len(clip.get("arrow_vega_lite_chart") + clip.get("vega_lite_chart")) == 1
    assert not clip.image  # none of its pictures is shown
    assert sent_to(clip, "mood_pad")["reading"]["valence"] > 0.5
    visitor = clip.session_state["visitor"]
    assert visitor.waiting is None
    assert visitor.photo.image is None
    # A correction goes to the music, and the clip stays.
    clip.pills[0].select("sad").run()
    assert clip.session_state["visitor"].corrected_emotion == "sad"
    assert len(clip.header) == 2


def test_a_photo_takes_the_clips_place(
    clip: AppTest, recognizer: Any, happy: Any, picture: bytes
) -> None:
    recognizer.show(happy)
    app = clip.file_uploader[0].upload("me.jpg", picture).run()
    assert not app.exception
    assert app.session_state["visitor"].photo.clip is None
    assert len(app.image) == 1


def test_unreadable_clip_is_reported(app: AppTest, recognizer: Any) -> None:
    recognizer.classifier = Happy()
    app.switch_page("pages/selfie.py").run()
    app.file_uploader[0].upload("me.mp4", b"\0\0\0\x18ftypmp42" + bytes(99)).run()
    assert not app.exception
    assert [error.value for error in app.error] == [
        "This file is not a clip or a picture we can read."
    ]
