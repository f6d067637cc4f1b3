import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from emotion.labels import EMOTIONS
from emotion.types import Face, FaceReading
from ui.model import charts, figures
from ui.photo import corruptions

NETWORK = b"a network"
SHA256 = hashlib.sha256(NETWORK).hexdigest()


def figure(split: str, *, tta: bool, accuracy: float, **more: Any) -> dict[str, Any]:
    """A network that is right eight times in ten, but takes half of the afraid for sad."""
    confusion = [[80 if i == j else 0 for j in range(7)] for i in range(7)]
    for row in confusion:
        row[6] += 20
    fear, sad = EMOTIONS.index("fear"), EMOTIONS.index("sad")
    confusion[fear] = [0] * 7
    confusion[fear][fear], confusion[fear][sad] = 45, 55
    return {
        "split": split,
        "tta": tta,
        "images": 700,
        "accuracy": accuracy,
        "clean_images": 660,
        "clean_accuracy": accuracy - 0.01,
        "macro_f1": accuracy,
        "macro_recall": accuracy,
        "ece": 0.02,
        "per_class": {
            emotion: {"images": 100, "precision": 0.7, "recall": confusion[i][i] / 100, "f1": 0.7}
            for i, emotion in enumerate(EMOTIONS)
        },
        "confusion": confusion,
        "command": f"python -m model evaluate --split {split}",
        **more,
    }


def metrics(**more: Any) -> dict[str, Any]:
    return {
        "network": {"file": "emotion_cnn.tflite", "bytes": 4_900_000, "sha256": SHA256},
        "figures": {
            "public-test": figure("public-test", tta=False, accuracy=0.611),
            "private-test": figure("private-test", tta=False, accuracy=0.722),
            "private-test+tta": figure("private-test", tta=True, accuracy=0.733, **more),
        },
    }


def robustness(**more: Any) -> dict[str, Any]:
    def change(name: str, last: float, fer: float | None) -> dict[str, Any]:
        return {
            "name": name,
            "unit": "intensities",
            "explanation": f"It is about {name}.",
            "none": 0,
            "points": [
                {"severity": 0, "accuracy": 0.73, "fer": fer},
                {"severity": 8, "accuracy": last, "fer": fer and fer - 0.3},
            ],
        }

    return {
        "network": {"file": "emotion_cnn.tflite", "bytes": 1, "sha256": SHA256},
        "command": "python -m model robustness",
        "split": "public-test",
        "images": 300,
        "corruptions": [change("dim light", 0.7, None), change("blur", 0.31, 0.64)],
        **more,
    }


def row(name: str, accuracy: float, milliseconds: float) -> dict[str, Any]:
    return {
        "name": name,
        "features": "HOG",
        "classifier": "SVM",
        "training_images": 2_000,
        "accuracy": accuracy,
        "macro_f1": accuracy,
        "training_seconds": 3.0,
        "milliseconds": milliseconds,
        "bytes": 1000,
        "note": "",
    }


BASELINES = {
    "split": "public-test",
    "images": 300,
    "command": "python -m model compare",
    "network": {"file": "emotion_cnn.tflite", "bytes": 1, "sha256": SHA256},
    "training_images": 2_000,
    "seed": 0,
    "rows": [row("HOG and SVM", 0.48, 2.0), row("Affectune", 0.73, 5.0)],
}


COVERAGE = {"margin": 0.15, "coverage": 0.9, "accuracy": 0.9, "accuracy_of_the_rest": 0.5}


def reader(neutral: float, negative: float) -> dict[str, Any]:
    return {
        "found": 1.0,
        "recall": {"happy": 0.9, "fear": 0.2, "neutral": neutral},
        "mean_recall": 0.8,
        "neutral_read_negative": negative,
        "images": {"happy": 97, "fear": 3, "neutral": 200},
        "ece": 0.02,
        "hard_to_say": COVERAGE,
        "coverage": [COVERAGE],
    }


def read_by(head: str, neutral: float, negative: float, **more: Any) -> dict[str, Any]:
    return {
        "photos": 300,
        "part": "test",
        "head": head,
        "detector": "auto",
        **reader(neutral, negative),
        "command": "python -m model evaluate --photos PHOTOS --part test",
        **more,
    }


PHOTOGRAPHS = {
    "network": {"file": "emotion_cnn.tflite", "bytes": 1, "sha256": SHA256},
    "heads": {
        "people": read_by("people", 0.87, 0.06, fer=reader(0.41, 0.52)),
        "fer2013": read_by("fer2013", 0.47, 0.48),
    },
}


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let the page find these files instead of the shipped ones: JSON of dicts, text as it is."""
    monkeypatch.setattr(figures, "WEIGHTS", tmp_path)
    monkeypatch.setattr(figures, "SHIPPED", tmp_path / "emotion_cnn.tflite")
    monkeypatch.setattr(figures, "CARD", tmp_path / "MODEL_CARD.md")
    (tmp_path / "emotion_cnn.tflite").write_bytes(NETWORK)

    def write(**files: Mapping[str, Any] | str) -> None:
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (tmp_path / f"{name}.json").write_text(text)

    return write


def opened(app: AppTest) -> AppTest:
    app.switch_page("pages/model.py").run()
    assert not app.exception
    assert [title.value for title in app.title] == ["How well does it read faces?"]
    return app


def headings(app: AppTest) -> list[str]:
    return [header.value for header in app.header]


def said(app: AppTest) -> str:
    return "\n".join(element.value for element in [*app.markdown, *app.info, *app.caption])


def alternatives(app: AppTest) -> list[str]:
    return [chart.proto.alt for chart in app.get("vega_lite_chart")]


# The figures


def test_the_shipped_files_are_shown(app: AppTest) -> None:
    assert headings(opened(app))[:4] == [
        "What about people on camera?",
        "How often is it right?",
        "Which moods does it miss?",
        "What does it mix up?",
    ]
    assert not app.info


def test_every_metric_comes_from_the_record(app: AppTest, weights: Any) -> None:
    weights(metrics=metrics())
    text = said(opened(app))
    assert "**about seven times in ten**" in text
    # The way the app reads, on the split that nothing was chosen on.
    assert "73.3\u00a0% of 700 test photos" in text
    assert (
        "40 of them are also in the published training set. The network was trained without those"
        in text
    )
    assert "the photos that occur only here it is right 72.3\u00a0%" in text
    assert "only 45 of 100 afraid ones" in text
    assert "called afraid, it calls 45 afraid and 55 sad" in text


def test_camera_head_has_its_own_metrics(app: AppTest, weights: Any) -> None:
    weights(metrics=metrics(), photographs=PHOTOGRAPHS)
    text = said(opened(app))
    assert "On 300 photographs of people it had never seen" in text
    assert "reads 87\u00a0% of the resting faces as neutral, and 6\u00a0% as angry" in text
    assert "FER-2013's labels, it is 47\u00a0% and 48\u00a0%" in text
    assert "fer, a widely used package, it is 41\u00a0% and 52\u00a0%" in text
    table = next(table.value for table in app.table if "Photographs" in table.value)
    # Three photographs of fear say nothing.
    assert [name.split()[-1] for name in table["Emotion"]] == ["happy", "neutral"]
    assert list(table["this app"]) == ["90\u00a0%", "87\u00a0%"]
    weights(photographs="no JSON")
    assert "photographs of people can’t be shown right now" in said(opened(app))


def test_what_older_files_lack_is_left_out(app: AppTest, weights: Any) -> None:
    weights(metrics=metrics())
    assert headings(opened(app)) == [
        "How often is it right?",
        "Which moods does it miss?",
        "What does it mix up?",
        "Can you break it?",
        "What is it not for?",
    ]


def test_page_with_all_records(app: AppTest, weights: Any) -> None:
    bins = [{"confidence": 0.7, "accuracy": 0.5, "images": 400}]
    ferplus = {
        "images": 600,
        "agreement": 0.66,
        "labels_agreement": 0.62,
        "agreed_images": 400,
        "agreed_accuracy": 0.88,
    }
    unsure = {
        "margin": 0.15,
        "fraction": 0.2,
        "accuracy_when_sure": 0.8,
        "accuracy_when_unsure": 0.4,
        "either_of_two_when_unsure": 0.81,
    }
    weights(
        metrics=metrics(reliability=bins, ferplus=ferplus, unsure=unsure),
        robustness=robustness(),
        baselines=BASELINES,
    )
    assert headings(opened(app)) == [
        "How often is it right?",
        "Which moods does it miss?",
        "What does it mix up?",
        "Does it know when it’s unsure?",
        "When does it fail?",
        "Is the network worth it?",
        "Can you break it?",
        "What is it not for?",
    ]
    text = said(app)
    assert "it is 20 points too sure of itself" in text
    assert "one of them is right about eight times in ten" in text
    assert "the network is right 88\u00a0% of the time: many of its misses" in text
    assert "python -m model robustness" in app.code[0].value


def test_a_chart_is_never_the_only_way(app: AppTest, weights: Any) -> None:
    weights(metrics=metrics(), robustness=robustness(), baselines=BASELINES)
    found = alternatives(opened(app))
    assert len(found) == 5
    assert all(len(text) > 40 for text in found)
    assert len(app.table) == len(found)


def test_page_without_records(app: AppTest, weights: Any) -> None:
    assert headings(opened(app)) == ["Can you break it?", "What is it not for?"]
    assert "Nothing has been measured yet." in said(app)


@pytest.mark.parametrize(
    "content", ["{", "[]", "null", '{"figures": {}}', '{"figures": {"private-test": {"split": 1}}}']
)
@pytest.mark.parametrize("name", ["metrics", "robustness", "baselines"])
def test_broken_record_is_reported(
    app: AppTest, weights: Any, name: str, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    weights(metrics=metrics(), robustness=robustness(), baselines=BASELINES)
    weights(**{name: content})
    (info,) = opened(app).info
    assert "can’t be shown right now" in info.value
    assert f"{name}.json cannot be read" in caplog.text
    assert headings(app)[-1] == "What is it not for?"


def test_metrics_of_another_network_are_labelled(app: AppTest, weights: Any) -> None:
    old = {"file": "emotion_cnn.tflite", "bytes": 1, "sha256": "0" * 64}
    weights(metrics=metrics() | {"network": old})
    assert "figures are for an earlier network" in opened(app).info[0].value


def test_robustness_of_another_network_is_labelled(app: AppTest, weights: Any) -> None:
    old = {"file": "emotion_cnn.tflite", "bytes": 1, "sha256": "0" * 64}
    weights(metrics=metrics(), robustness=robustness(network=old))
    assert "Measured with an earlier network." in said(opened(app))


def test_the_costliest_change_comes_first_and_others_can_be_chosen(
    app: AppTest, weights: Any
) -> None:
    weights(metrics=metrics(), robustness=robustness())
    pills = opened(app).pills[0]
    assert pills.options == [":gray[blur]", ":gray[dim light]"]
    assert "It is about blur\\." in said(app)
    assert "fer, a widely used package" in said(app)
    app.pills[0].select(1).run()
    assert "It is about dim light\\." in said(app)
    assert "fer, a widely used package" not in said(app)


def test_a_change_to_both_sides_costs_what_its_worst_end_does(app: AppTest, weights: Any) -> None:
    lean = {
        "name": "Rotation",
        "unit": "°",
        "explanation": "",
        "none": 0,
        "points": [
            {"severity": severity, "accuracy": accuracy, "fer": None}
            for severity, accuracy in ((-30, 0.2), (0, 0.73), (30, 0.21))
        ],
    }
    weights(
        metrics=metrics(), robustness=robustness(corruptions=[*robustness()["corruptions"], lean])
    )
    assert opened(app).pills[0].options[0] == ":gray[Rotation]"
    assert "20\u00a0% of the answers are right instead of 73\u00a0%" in said(app)


def test_the_model_card_and_the_notebooks_are_offered(
    app: AppTest, weights: Any, tmp_path: Path
) -> None:
    weights(metrics=metrics())
    assert not opened(app).get("download_button")
    (tmp_path / "MODEL_CARD.md").write_text("# Card")
    app.run()
    (card,) = app.get("download_button")
    assert card.proto.label == "Model card"
    assert app.get("page_link")[0].proto.label == "Read how it was trained"


def test_it_says_who_it_is_not_for(app: AppTest) -> None:
    text = said(opened(app))
    for word in ("judging", "diagnose", "article 5(1)(f)", "for research"):
        assert word in text


def test_names_on_the_chart_do_not_cover_each_other() -> None:
    near = {"rows": [row("Near", 0.730, 5.0), row("Nearer", 0.731, 5.1), row("Far", 0.3, 0.01)]}
    found = figures.baselines(BASELINES | near)
    named = charts.standouts(found.rows)
    assert "Far" in named
    assert named.get("Near") != named.get("Nearer")
    apart = {"rows": [row("One", 0.73, 5.0), row("Two", 0.5, 0.1)]}
    assert set(charts.standouts(figures.baselines(BASELINES | apart).rows)) == {"One", "Two"}


# The visitor's own face


@pytest.fixture
def broken(weights: Callable[..., None], selfie: Any, happy: Any) -> AppTest:
    """The page of a visitor whose photo has been read, without the network's figures."""
    return opened(selfie(happy))


@pytest.mark.usefixtures("weights")
def test_without_a_photo_it_asks_for_one(app: AppTest, button: Any, sent_to: Any) -> None:
    assert "Add a photo of yourself" in said(opened(app))
    assert not app.pills
    assert sent_to(app, "photo_button")["label"] == "Choose a photo"
    assert len(app.file_uploader) == 1
    button(app, "Take a snapshot").click().run()
    assert len(app.camera_input) == 1


@pytest.mark.usefixtures("weights")
def test_a_photo_can_be_handed_in_on_the_page(
    app: AppTest, recognizer: Any, happy: Any, picture: bytes
) -> None:
    recognizer.show(happy)
    opened(app).file_uploader[0].upload("me.jpg", picture).run()
    assert not app.exception
    assert app.pills[0].label == "What should we do to your photo?"


@pytest.mark.usefixtures("weights")
def test_a_picture_without_a_face_is_no_reason_to_invent_one(
    app: AppTest, recognizer: Any, picture: bytes
) -> None:
    recognizer.show()
    opened(app).file_uploader[0].upload("cup.jpg", picture).run()
    assert "No face found in your picture." in said(app)
    assert not app.pills


def test_reading_stable_under_corruption(broken: AppTest, recognizer: Any, sent_to: Any) -> None:
    place(recognizer, broken, {"happy": 0.5, "sad": 0.3})
    broken.pills[0].select("blurred").run()
    assert "**Still happy**, 50% sure. In your original photo: 58%." in said(broken)
    assert broken.image[0].proto.imgs[0].alt.startswith("Your face: blurred over")
    assert broken.image[1].proto.imgs[0].alt == "Your face in 48 by 48 grey squares"
    rows = sent_to(broken, "emotion_bars")["rows"]
    assert rows[0]["word"] == "angry"  # in fixed order


def test_reading_that_changes_under_corruption(broken: AppTest, recognizer: Any) -> None:
    place(recognizer, broken, {"sad": 0.6, "happy": 0.3})
    broken.get("button_group")[1].select(1.0).run()
    assert "**Now it says sad**, 60% sure. In your original photo: happy, 58%." in said(broken)


def test_face_lost_under_corruption(broken: AppTest, recognizer: Any) -> None:
    recognizer.show()
    broken.pills[0].select("eyes").run()
    assert "**No face found now.**" in said(broken)
    assert len(broken.image) == 1


def test_failing_network_is_reported(
    broken: AppTest, recognizer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    recognizer.problem = RuntimeError("no weights")
    broken.pills[0].select("turned").run()
    assert broken.error[0].value.startswith("We can’t read faces right now.")
    assert "no weights" in caplog.text


def test_another_photo(broken: AppTest, sent_to: Any, recognizer: Any, picture: bytes) -> None:
    assert sent_to(broken, "photo_button")["label"] == "Another photo"
    recognizer.show({"sad": 0.9, "neutral": 0.1})
    broken.file_uploader[0].upload("again.jpg", picture).run()
    (face,) = broken.session_state["visitor"].photo.faces
    assert face.scores.emotion == "sad"
    assert broken.pills


def place(recognizer: Any, app: AppTest, face: dict[str, float]) -> None:
    """Let the recognizer find a face where the visitor's is in the part that is tried."""
    shown = app.session_state["visitor"].photo
    _, box = corruptions.crop_around(shown.image, shown.faces[0].face.box)
    recognizer.show(face)
    (found,) = recognizer.reading.faces
    recognizer.reading = type(recognizer.reading)((FaceReading(Face(box), found.scores),))
