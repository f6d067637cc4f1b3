from typing import Any

from streamlit.testing.v1 import AppTest


def test_says_in_one_sentence_what_it_does_and_that_pictures_are_forgotten(app: AppTest) -> None:
    assert not app.exception
    assert [title.value for title in app.title] == ["Music that meets your mood, then moves it."]
    assert "Pictures are read in memory and forgotten." in app.caption[0].value


def test_offers_camera_selfie_and_pad_and_nothing_else(app: AppTest, sent_to: Any) -> None:
    assert [button.label for button in app.button] == [
        "Use the camera",
        "Find music for this",
    ]
    assert sent_to(app, "photo_button")["label"] == "Choose a selfie"


def test_the_dot_waits_in_the_middle(app: AppTest, sent_to: Any) -> None:
    pad = sent_to(app, "mood_pad")
    assert pad["point"] == {"valence": 0.0, "arousal": 0.0}
    assert pad["reading"] is None
    assert not pad["fixed"]
    assert [mark["name"] for mark in pad["landmarks"]] == [
        *("angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral"),
        "calm",
    ]


def test_a_selfie_is_read_without_a_page_in_between(
    app: AppTest, recognizer: Any, happy: Any, picture: bytes
) -> None:
    recognizer.show(happy)
    app.file_uploader[0].upload("me.jpg", picture).run()
    assert [title.value for title in app.title] == ["😊 Happy, a little surprised"]
    assert app.header[0].value == "What should the music do?"


def test_a_selfie_that_cannot_be_read_is_asked_for_again(app: AppTest) -> None:
    app.file_uploader[0].upload("me.jpg", b"text").run()
    assert app.error[0].value.startswith("This file is not a picture we can read")
    assert [title.value for title in app.title] == ["Show your face for a moment"]


def test_music_for_a_dot_that_never_moved(app: AppTest, button: Any) -> None:
    button(app, "Find music for this").click().run()
    assert [title.value for title in app.title] == ["Keeping things even"]


def test_a_reading_is_where_the_pad_begins(selfie: Any, happy: Any, sent_to: Any) -> None:
    app = selfie(happy)
    app.switch_page("pages/home.py").run()
    pad = sent_to(app, "mood_pad")
    assert pad["point"] == pad["reading"]
    assert pad["point"]["valence"] > 0.3
