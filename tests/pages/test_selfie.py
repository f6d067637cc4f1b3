import json
from typing import Any

import pytest
from streamlit.runtime.uploaded_file_manager import DeletedFile
from streamlit.testing.v1 import AppTest

from ui.photo import upload as photo
from ui.photo.device import device_reading
from ui.server import device_assets
from ui.state import ROOM


def title(app: AppTest) -> str:
    assert not app.exception
    (only,) = app.title
    return only.value


def test_before_a_picture(app: AppTest) -> None:
    app.switch_page("pages/selfie.py").run()
    assert title(app) == "Show your face for a moment"
    assert len(app.file_uploader) == 1
    assert "forgotten" in app.caption[0].value


def test_the_snapshot_is_one_tap_away_and_back(app: AppTest, button: Any, sent_to: Any) -> None:
    app.switch_page("pages/selfie.py").run()
    button(app, "Take a snapshot instead").click().run()
    assert app.camera_input[0].label == "Look at the camera"
    assert sent_to(app, "photo_button")["label"] == "Choose a photo instead"
    assert len(app.file_uploader) == 1


def test_a_reading(selfie: Any, happy: Any, sent_to: Any) -> None:
    app = selfie(happy)
    assert title(app) == "😊 Happy, a little surprised"
    (image,) = app.image
    assert image.proto.imgs[0].alt == "Your photo with the face outlined"
    assert [row["word"] for row in sent_to(app, "emotion_bars")["rows"]] == [
        *("happy", "surprised", "neutral", "sad", "afraid", "angry", "disgusted")
    ]
    assert app.pills[0].label == "**Not quite?** Tap what fits."
    assert [header.value for header in app.header] == ["What should the music do?"]


def test_the_question_puts_the_suggestion_first(selfie: Any, happy: Any) -> None:
    def primary(app: AppTest) -> list[str]:
        return [b.label for b in app.button if b.proto.type == "primary"]

    app = selfie(happy)
    assert primary(app) == ["Stay with it"]
    app.pills[0].select("sad").run()
    assert primary(app) == ["Move gently"]


def test_a_snapshot_is_read_like_a_photo(
    app: AppTest, recognizer: Any, button: Any, happy: Any, picture: bytes
) -> None:
    recognizer.show(happy)
    app.switch_page("pages/selfie.py").run()
    button(app, "Take a snapshot instead").click().run()
    app.camera_input[0].upload("snapshot.jpg", picture).run()
    assert title(app) == "😊 Happy, a little surprised"


def test_hard_to_say(selfie: Any, unsure: Any) -> None:
    app = selfie(unsure)
    assert title(app) == "😐 Hard to say: neutral or sad?"
    assert app.pills[0].label == "Tap the one that fits."
    # The two in question first, then the others in their usual order.
    assert [option.split("[")[1].rstrip("]") for option in app.pills[0].options] == [
        *("neutral", "sad", "angry", "disgusted", "afraid", "happy", "surprised")
    ]
    app.pills[0].select("sad").run()
    assert title(app) == "😢 You said: sad"
    assert app.pills[0].value == "sad"
    assert "angry" in app.pills[0].options[0]


def test_one_tap_corrects_and_another_takes_it_back(selfie: Any, happy: Any, sent_to: Any) -> None:
    app = selfie(happy)
    app.pills[0].select("sad").run()
    assert title(app) == "😢 You said: sad"
    pad = sent_to(app, "mood_pad")
    assert pad["point"]["valence"] < 0 < pad["reading"]["valence"]
    app.pills[0].unselect("sad").run()
    assert title(app) == "😊 Happy, a little surprised"


def choose(app: AppTest, face: int) -> AppTest:
    app.session_state["visitor"].choose(face)  # as `face_picker` does; it is tested in a browser
    return app.run()


def test_several_faces_to_choose_from(selfie: Any, happy: Any, sad: Any, sent_to: Any) -> None:
    app = selfie(happy, sad)
    assert title(app) == "😊 Happy, a little surprised"
    picker = sent_to(app, "face_picker")
    assert [face["label"] for face in picker["faces"]] == ["Face 1", "Face 2"]
    assert picker["everyone"] == {"label": "Everyone together", "value": ROOM}
    assert picker["image"].startswith("data:")
    # A photo of 320 x 240 with faces of 50 x 50 pixels.
    box = picker["faces"][1]["box"]
    assert [box[side] for side in ("left", "width")] == pytest.approx([100 * 70 / 320, 15.625])
    choose(app, 1)
    assert title(app) == "😢 Sad, a little neutral"
    assert sent_to(app, "face_picker")["chosen"] == 1


def test_everyone_together(selfie: Any, happy: Any, sad: Any, sent_to: Any) -> None:
    app = choose(selfie(happy, sad), ROOM)
    assert title(app) == "😢 Everyone together: sad or happy?"
    assert sent_to(app, "face_picker")["chosen"] == ROOM
    rows = sent_to(app, "emotion_bars")["rows"]
    assert rows[0]["probability"] == pytest.approx((0.80 + 0.04) / 2)


def test_one_face_in_the_room_can_weigh_more(
    selfie: Any, happy: Any, sad: Any, sent_to: Any
) -> None:
    app = selfie(happy, sad)
    assert "Who counts more?" not in [pills.label for pills in app.pills]
    choose(app, ROOM)
    more = next(pills for pills in app.pills if pills.label == "Who counts more?")
    assert more.options == [":gray[Face 1 😊]", ":gray[Face 2 😢]"]
    assert any(text.value.startswith("Your moods split in two: ") for text in app.markdown)
    more.select(0).run()
    assert title(app) == "😊 Everyone together: happy, a little sad"
    rows = sent_to(app, "emotion_bars")["rows"]
    assert rows[0]["probability"] == pytest.approx((3 * 0.58 + 0.0) / 4, abs=0.02)


def test_omitted_faces_are_reported(selfie: Any, happy: Any) -> None:
    app = selfie(happy, notes=("40 faces were found; the 32 largest were read.",))
    assert app.caption[0].value.startswith("40 faces")


def test_photo_without_a_face_gives_no_reading(selfie: Any) -> None:
    app = selfie()
    assert title(app) == "No face found in this picture"
    assert "light from the front, not from behind" in app.markdown[0].value
    assert app.image[0].proto.imgs[0].alt == "Your picture, in which no face was found"
    assert not app.pills
    assert app.session_state["visitor"].mood is None


def test_no_face_leaves_the_pad(selfie: Any, button: Any, sent_to: Any) -> None:
    app = selfie()
    button(app, "Set it by hand").click().run()
    assert sent_to(app, "mood_pad")["point"] == {"valence": 0.0, "arousal": 0.0}
    button(app, "Lift me up").click().run()
    assert title(app) == "Straight to bright"


def test_no_face_leaves_the_earlier_mood(
    selfie: Any, happy: Any, recognizer: Any, button: Any, picture: bytes
) -> None:
    app = selfie(happy)
    before = app.session_state["visitor"].mood
    recognizer.show()
    app.file_uploader[0].upload("cup.jpg", picture).run()
    assert title(app) == "No face found in this picture"
    assert app.session_state["visitor"].mood == before


@pytest.mark.parametrize("data", [b"", b"only text in here", b"\xff\xd8\xff\xe0 cut short"])
def test_file_that_is_not_an_image(app: AppTest, data: bytes) -> None:
    app.switch_page("pages/selfie.py").run()
    app.file_uploader[0].upload("me.jpg", data).run()
    assert app.error[0].value.startswith("This file is not a picture we can read")
    assert title(app) == "Show your face for a moment"
    assert len(app.file_uploader) == 1


def test_a_file_that_is_gone_is_asked_for_again(
    app: AppTest, recognizer: Any, happy: Any, picture: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a restart the browser still shows a file of which Streamlit has only a stand-in."""
    recognizer.show(happy)
    app.switch_page("pages/selfie.py").run()
    with monkeypatch.context() as lost:
        lost.setattr(photo, "UploadedFile", DeletedFile)
        app.file_uploader[0].upload("me.jpg", picture).run()
    assert not app.exception
    assert app.error[0].value == photo.LOST
    app.file_uploader[0].upload("me.jpg", picture).run()
    assert not app.error
    assert "Happy" in app.title[0].value


def test_a_bad_file_loses_nothing(selfie: Any, happy: Any, button: Any, picture: bytes) -> None:
    app = selfie(happy)
    app.file_uploader[0].upload("me.jpg", b"text").run()
    assert app.error[0].value.startswith("This file is not a picture we can read")
    assert title(app) == "😊 Happy, a little surprised"
    app.file_uploader[0].upload("me.jpg", picture).run()
    assert not app.error


def test_a_photo_can_be_kept_after_all(selfie: Any, happy: Any, button: Any) -> None:
    app = selfie(happy)
    button(app, "Take a snapshot").click().run()
    assert app.camera_input
    button(app, "Keep this photo").click().run()
    assert not app.camera_input
    assert title(app) == "😊 Happy, a little surprised"


def test_a_network_that_does_not_work_leaves_the_rest(
    app: AppTest, recognizer: Any, picture: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    recognizer.problem = RuntimeError("no weights")
    app.switch_page("pages/selfie.py").run()
    app.file_uploader[0].upload("me.jpg", picture).run()
    assert app.error[0].value.startswith("We can’t read faces right now.")
    assert "no weights" in caplog.text


def test_a_picture_is_gone_once_another_takes_its_place(
    selfie: Any, happy: Any, button: Any, picture: bytes
) -> None:
    app = selfie(happy)
    visitor = app.session_state["visitor"]
    first = visitor.photo
    app.file_uploader[0].upload("me.jpg", picture).run()
    assert visitor.photo is not first
    assert visitor.waiting is None


@pytest.mark.parametrize("suffix", ["jfif", "jpe", "hif", "avif", "heic", "jpg"])
def test_every_suffix_of_a_readable_picture_is_taken(
    suffix: str, app: AppTest, picture: bytes
) -> None:
    app.switch_page("pages/selfie.py").run()
    assert f".{suffix}" in app.file_uploader[0].proto.type
    app.file_uploader[0].upload(f"me.{suffix}", picture).run()
    assert app.session_state["visitor"].problem is None
    assert app.session_state["visitor"].faceless is not None  # read, and nothing found in it


def read_on_device(app: AppTest, monkeypatch: pytest.MonkeyPatch, *faces: int, **more: Any) -> Any:
    """Have the visitor's browser say that it has read a photo with faces at these places."""
    monkeypatch.setattr(device_assets, "base_address", lambda: "/reading/0/")
    probabilities = [0.02, 0.02, 0.02, 0.86, 0.02, 0.02, 0.04]
    told = {
        **{"number": 7, "width": 320, "height": 240, "unsure": False},
        **{"tiny": 0, "away": 0, "leftOut": 0},
        "faces": [
            {"box": {"x": x, "y": 20, "width": 50, "height": 50}, "probabilities": probabilities}
            for x in faces
        ],
    }
    copy, reading = device_reading(told | more)
    app.session_state["visitor"].show(copy, reading)
    app.switch_page("pages/selfie.py").run()
    return app


def test_a_photo_that_the_browser_has_read_is_drawn_by_it(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, sent_to: Any
) -> None:
    read_on_device(app, monkeypatch, 100)
    assert title(app) == "😊 Happy"
    assert not app.image
    shown = sent_to(app, "device_photo")
    assert (shown["module"], shown["number"]) == ("/reading/0/photos.js", 7)
    assert shown["picture"]["alt"] == "Your photo with the face outlined"
    assert shown["picture"]["whole"] == {"x": 0, "y": 0, "width": 320, "height": 240}
    assert shown["picture"]["part"] == {"x": 62, "y": 0, "width": 125, "height": 125}
    assert any("stays on this device" in caption.value for caption in app.caption)


def test_several_faces_are_drawn_by_the_browser(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, sent_to: Any
) -> None:
    read_on_device(app, monkeypatch, 100, 200)
    picker = sent_to(app, "face_picker")
    assert (picker["module"], picker["number"]) == ("/reading/0/photos.js", 7)
    assert "image" not in picker
    assert [face["label"] for face in picker["faces"]] == ["Face 1", "Face 2"]
    choose(app, ROOM)
    assert title(app) == "😊 Everyone together: happy"


def test_where_the_browser_is_unsure_the_server_is_offered(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offers(app: AppTest) -> list[str]:
        data = [json.loads(element.proto.json) for element in app.get("bidi_component")]
        return [one["offer"]["text"] for one in data if "offer" in one]

    assert offers(read_on_device(app, monkeypatch, 100)) == []
    (offer,) = offers(read_on_device(app, monkeypatch, 100, unsure=True))
    assert offer.startswith("This device may have missed a face.")
    app = read_on_device(app, monkeypatch)
    assert title(app) == "No face found in this picture"
    assert offers(app)[0].startswith("This device found no face")


def test_a_snapshot_is_not_said_to_stay_on_the_device(app: AppTest, button: Any) -> None:
    app.switch_page("pages/selfie.py").run()
    app.session_state["visitor"].on_device = True
    app.run()
    assert app.caption[0].value.startswith(":material/lock: Your picture stays on this device.")
    assert app.caption[1].value.endswith("It is read on the server.")
    button(app, "Take a snapshot instead").click().run()
    assert not any("on this device" in caption.value for caption in app.caption)


def test_the_corruptions_ask_for_a_photo_that_the_server_has(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, sent_to: Any
) -> None:
    read_on_device(app, monkeypatch, 100)
    app.switch_page("pages/model.py").run()
    assert not app.exception
    assert sent_to(app, "photo_button")["label"] == "Choose a photo"
    assert sent_to(app, "photo_button")["module"] is None
