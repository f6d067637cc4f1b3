from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from model.evaluation import compare
from model.evaluation.baselines import RECIPES, build, fit, one_thread
from model.evaluation.features import (
    FEATURES,
    geometry,
    gradient_histograms,
    landmark_geometry,
    landmarks,
    local_binary_patterns,
)

WIDTHS = {"lbp": 2124, "gabor": 648, "hog": 900, "geometry": 19}
NAMES = [f"{feature}:{recipe}" for feature in FEATURES for recipe in RECIPES]


def face(smile: int) -> np.ndarray:
    """Draw a face, ``(1, 48, 48, 1)``, whose corners of the mouth go up by those pixels."""
    picture = np.full((48, 48), 90, np.uint8)
    cv2.circle(picture, (24, 24), 20, 150, -1)
    cv2.circle(picture, (16, 19), 3, 60, -1)
    cv2.circle(picture, (32, 19), 3, 60, -1)
    cv2.line(picture, (24, 24), (24, 28), 110, 2)
    mouth = [[[16, 35 - smile], [24, 36], [32, 35 - smile]]]
    cv2.polylines(picture, np.array(mouth), False, 70, 2)
    return picture[None, :, :, None]


def noise(count: int) -> np.ndarray:
    greys = np.random.default_rng(0).integers(40, 200, (count, 48, 48, 1))
    return greys.astype(np.uint8)


@pytest.mark.parametrize("name", FEATURES)
def test_features_have_their_shape_and_are_finite(name: str) -> None:
    blank = np.zeros((1, 48, 48, 1), np.uint8)
    pictures = np.concatenate([face(0), face(3), blank])
    found = FEATURES[name](pictures)
    assert found.shape == (3, WIDTHS[name])
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert not np.allclose(found[0], found[1])
    # One by one as together, which is how they are timed and how they are trained on.
    assert np.allclose(FEATURES[name](pictures[1:2]), found[1], atol=1e-4)
    assert FEATURES[name](pictures[:0]).shape == (0, WIDTHS[name])


@pytest.mark.parametrize("name", FEATURES)
def test_features_refuse_other_shapes(name: str) -> None:
    with pytest.raises(ValueError, match=r"float32 \(1, 48, 48, 1\)"):
        FEATURES[name](face(0).astype(np.float32))
    with pytest.raises(ValueError, match=r"\(48, 48, 1\)"):
        FEATURES[name](face(0)[0])


def test_patterns_are_unchanged_by_brightness() -> None:
    pictures = noise(3)
    found = local_binary_patterns(pictures)
    assert np.allclose(local_binary_patterns(pictures + np.uint8(30)), found)
    shares = (found**2).reshape(3, 36, 59).sum(axis=2)
    assert shares == pytest.approx(np.ones((3, 36)), abs=1e-5)


@pytest.mark.parametrize("name", ["gabor", "hog"])
def test_energies_and_gradients_are_unchanged_by_brightness(name: str) -> None:
    pictures = np.concatenate([face(0), noise(1)])
    brighter = FEATURES[name](pictures + np.uint8(30))
    assert brighter == pytest.approx(FEATURES[name](pictures), abs=1e-3)


def test_gabor_energies_peak_at_their_own_orientation() -> None:
    across = np.arange(48)[None, :].repeat(48, axis=0)
    stripes = (128 + 100 * np.sin(2 * np.pi * across / 8)).astype(np.uint8)
    upright, lying = FEATURES["gabor"](np.stack([stripes, stripes.T])[..., None])
    # Three wavelengths of six orientations: 8 pixels is the second, and 90 degrees the fourth.
    assert upright.reshape(18, 36).mean(axis=1).argmax() == 6
    assert lying.reshape(18, 36).mean(axis=1).argmax() == 6 + 3


def test_hog_mirrors_with_the_face() -> None:
    half = noise(1)
    half[:, :, 24:] = 90
    straight, mirrored = gradient_histograms(np.concatenate([half, half[:, :, ::-1]]))
    # Blocks stand column by column; those on the plain side are empty.
    left, right = (found.reshape(5, 5, 36).sum(axis=(1, 2)) for found in (straight, mirrored))
    assert left[0] > 10 * max(left[-1], 1e-3)
    assert right == pytest.approx(left[::-1], rel=0.05, abs=0.1)


FIVE = np.array([[[15, 18], [34, 20], [25, 28], [17, 36], [33, 38]]], np.float32)


def test_geometry_is_invariant_to_similarity_transforms() -> None:
    turn = np.float32([[0.9, -0.4], [0.4, 0.9]])
    assert geometry(FIVE * 1.7 + 5) == pytest.approx(geometry(FIVE), abs=1e-4)
    assert geometry(FIVE @ turn) == pytest.approx(geometry(FIVE), abs=1e-4)


def test_geometry_matches_a_hand_computed_example() -> None:
    square = np.array([[[10, 10], [20, 10], [15, 15], [10, 20], [20, 20]]], np.float32)
    found = geometry(square)[0]
    half, diagonal = np.sqrt(0.5), np.sqrt(2)
    expected = [half, 1, diagonal, half, diagonal, 1, half, half, 1]
    assert found[:9] == pytest.approx(expected, abs=1e-5)
    assert found[9:] == pytest.approx([0, *[np.pi / 2] * 8, 0], abs=1e-5)


def test_geometry_mirrors() -> None:
    # In a mirror image left and right change places.
    mirrored = (FIVE * [-1, 1] + [47, 0])[:, [1, 0, 2, 4, 3]].astype(np.float32)
    there, back = geometry(FIVE)[0], geometry(mirrored)[0]
    assert back[:9] == pytest.approx(there[[3, 5, 4, 0, 2, 1, 7, 6, 8]], abs=1e-5)
    assert back[9] == pytest.approx(-there[9], abs=1e-5)
    assert back[10:14] == pytest.approx(there[[10, 13, 12, 11]], abs=1e-5)
    assert back[14:18] == pytest.approx(there[[15, 14, 17, 16]], abs=1e-5)
    assert back[18] == pytest.approx(there[18], abs=1e-5)


def test_geometry_refuses_other_points() -> None:
    with pytest.raises(ValueError, match=r"\(1, 4, 2\)"):
        geometry(FIVE[:, :4])
    assert np.isfinite(geometry(np.zeros((1, 5, 2), np.float32))).all()


def test_landmarks_lie_on_the_face() -> None:
    (left_eye, right_eye, nose, left_mouth, right_mouth), *_ = landmarks(face(0))
    assert left_eye == pytest.approx([16, 19], abs=6)
    assert right_eye == pytest.approx([32, 19], abs=6)
    assert nose[1] > left_eye[1]
    assert min(left_mouth[1], right_mouth[1]) > nose[1]
    assert left_mouth[0] < right_mouth[0]
    assert landmark_geometry(face(0)) == pytest.approx(geometry(landmarks(face(0))))


def toy(count: int, wide: int = 30) -> tuple[np.ndarray, np.ndarray]:
    """Make a problem of seven clouds that a straight line parts."""
    random = np.random.default_rng(1)
    labels = np.arange(count) % 7
    features = random.normal(0, 0.5, (count, wide))
    features[np.arange(count), labels] += 4
    return features.astype(np.float32), labels.astype(np.int64)


@pytest.mark.parametrize("name", RECIPES)
def test_classifiers_learn_and_are_deterministic(name: str) -> None:
    features, labels = toy(350)
    with one_thread():
        fitted, again = (fit(RECIPES[name], features[:280], labels[:280]) for _ in range(2))
    found = fitted.pipeline.predict(features[280:])
    assert (found == labels[280:]).mean() > 0.9
    assert (found == again.pipeline.predict(features[280:])).all()
    assert (fitted.images, fitted.converged) == (280, True)
    assert fitted.bytes > 1_000
    assert fitted.seconds > 0


def test_a_cap_keeps_every_class() -> None:
    features, labels = toy(350)
    recipe = RECIPES["rbf-svm"]
    capped = type(recipe)(title="", settings="", components=5, make=recipe.make, most_images=70)
    fitted = fit(capped, features, labels)
    assert fitted.images == 70
    assert set(fitted.pipeline.predict(features)) == set(range(7))


def test_unconverged_classifier_is_reported() -> None:
    from sklearn.neural_network import MLPClassifier

    features, labels = toy(70)
    recipe = RECIPES["mlp"]
    short = type(recipe)(
        title="", settings="", components=5, make=lambda: MLPClassifier(max_iter=2, random_state=0)
    )
    assert not fit(short, features, labels).converged


def test_components_are_no_more_than_there_are() -> None:
    assert "pca" not in build(RECIPES["linear-svm"], images=5_000, features=19).named_steps
    assert build(RECIPES["mlp"], images=40, features=900).named_steps["pca"].n_components == 40


@pytest.fixture
def arguments(tiny_zip: Path, monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    monkeypatch.setattr(compare, "TIMED", 5)
    parser = argparse.ArgumentParser()
    compare.add_arguments(parser)
    return parser.parse_args(["--data", str(tiny_zip), "--only", "hog:linear-svm", "geometry:knn"])


def test_run_measures_the_selected_rows(
    arguments: argparse.Namespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments.chart = tmp_path / "chart.png"
    results = json.loads(json.dumps(compare.run(arguments)))
    assert capsys.readouterr().out == ""
    assert set(results) == set(compare.BaselinesRecord.__annotations__)
    assert (results["split"], results["images"], results["training_images"]) == (
        "public-test",
        14,
        42,
    )
    assert results["network"]["file"] == compare.SHIPPED.name
    assert results["command"] == (
        "python -m model compare --split public-test --only hog:linear-svm geometry:knn"
    )
    rows = results["rows"]
    assert {row["name"] for row in rows} == {
        "Affectune",
        "Affectune + mirror image",
        "HOG + linear SVM",
        "Landmarks + k-NN",
    }
    accuracies = [row["accuracy"] for row in rows]
    assert accuracies == sorted(accuracies, reverse=True)
    for row in rows:
        assert 0 <= row["accuracy"] <= 1
        assert 0 <= row["macro_f1"] <= 1
        assert row["milliseconds"] > 0
        assert row["bytes"] > 0
        learned_here = row["features"] != compare.LEARNED
        assert (row["training_images"] == 42) is learned_here
        assert (row["training_seconds"] is not None) is learned_here
    assert "O-Net" in next(row["note"] for row in rows if row["features"] == "Landmarks")
    text = compare.as_text(results)
    assert all(row["name"] in text for row in rows)
    assert arguments.chart.read_bytes().startswith(b"\x89PNG")


def test_run_samples_a_subset_at_random(arguments: argparse.Namespace) -> None:
    arguments.limit = 35
    arguments.only = ["hog:knn"]
    results = compare.run(arguments)
    assert (results["training_images"], results["images"]) == (35, 7)
    assert results["command"].endswith("--limit 35")


def test_further_networks_are_named_after_their_files(
    arguments: argparse.Namespace, tmp_path: Path
) -> None:
    copy = tmp_path / "second" / "best.tflite"
    copy.parent.mkdir()
    copy.write_bytes(compare.SHIPPED.read_bytes())
    arguments.weights = [copy]
    arguments.only = ["hog:knn"]
    results = compare.run(arguments)
    names = {row["name"]: row for row in results["rows"]}
    assert names["second/best.tflite"]["accuracy"] == names["Affectune"]["accuracy"]
    assert str(tmp_path) not in json.dumps(results)


def test_fer_runs_in_its_own_interpreter(
    arguments: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Fer:
        milliseconds, size = 1.5, 1_000

        def __enter__(self) -> Fer:
            return self

        def __exit__(self, *_: object) -> None: ...

        def predict(self, pictures: np.ndarray) -> np.ndarray:
            return np.eye(7, dtype=np.float32)[np.zeros(len(pictures), int)]

    asked = []
    monkeypatch.setattr(compare, "load_fer", lambda python: asked.append(python) or Fer())
    arguments.fer, arguments.only = "/elsewhere/python", ["hog:knn"]
    results = compare.run(arguments)
    row = next(row for row in results["rows"] if row["name"] == "fer")
    assert (row["accuracy"], row["milliseconds"], row["bytes"]) == (
        pytest.approx(1 / 7),
        1.5,
        1_000,
    )
    assert asked == ["/elsewhere/python"]
    assert "/elsewhere" not in json.dumps(results)


def test_subset_results_are_not_recorded(
    arguments: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compare, "RECORD", tmp_path / "baselines.json")
    arguments.record = True
    with pytest.raises(ValueError, match="whole table"):
        compare.run(arguments)
    arguments.only = None
    monkeypatch.setattr(compare, "_pairs", lambda *_: [("hog", "linear-svm")])
    results = compare.run(arguments)
    assert json.loads(compare.RECORD.read_text()) == results
    assert [path.name for path in tmp_path.iterdir()] == ["baselines.json"]


def test_the_rows_of_a_feature_are_recorded_among_the_others(
    arguments: argparse.Namespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compare, "RECORD", tmp_path / "baselines.json")
    monkeypatch.setattr(compare, "RECIPES", {"knn": RECIPES["knn"]})
    arguments.only = None
    arguments.features = ["hog"]
    measured = compare.run(arguments)
    assert [row["name"] for row in measured["rows"]] == ["HOG + k-NN"]
    assert measured["command"].endswith("--features hog")
    kept = ("Affectune", "LBP + k-NN", "HOG + k-NN", "HOG + MLP")
    others = [row for row in rows_of_every_kind() if row["name"] in kept]
    before = measured | {"command": "the whole", "rows": others}
    compare.RECORD.write_text(json.dumps(before))
    arguments.record = True
    results = compare.run(arguments)
    assert json.loads(compare.RECORD.read_text()) == results
    assert results["command"] == "the whole"
    rows = {row["name"]: row for row in results["rows"]}
    # A feature's old rows go, also those of classifiers that are no longer there.
    assert set(rows) == {"Affectune", "LBP + k-NN", "HOG + k-NN"}
    assert rows["Affectune"]["accuracy"] == pytest.approx(0.78)
    assert rows["HOG + k-NN"]["training_images"] == 42
    accuracies = [row["accuracy"] for row in rows.values()]
    assert accuracies == sorted(accuracies, reverse=True)
    another = before["network"] | {"sha256": "0" * 64}
    compare.RECORD.write_text(json.dumps(before | {"network": another}))
    with pytest.raises(ValueError, match="another network"):
        compare.run(arguments)


def test_shape_models_are_trained_before_their_features(
    arguments: argparse.Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Shapes:
        def __call__(self, images: np.ndarray) -> np.ndarray:
            return images.reshape(len(images), -1)[:, ::100].astype(np.float32)

    trained: list[int] = []
    monkeypatch.setitem(
        compare.TRAINED_FEATURES, "asm", lambda images: trained.append(len(images)) or Shapes()
    )
    monkeypatch.setattr(compare, "fit_error", lambda *_: "fitted points 2.0 pixels away")
    monkeypatch.setattr(compare, "size_bytes", lambda _: 1_000_000)
    arguments.only = ["asm:knn", "asm:mlp"]
    results = compare.run(arguments)
    rows = [row for row in results["rows"] if row["features"] == "ASM"]
    assert {row["name"] for row in rows} == {"ASM + k-NN", "ASM + MLP"}
    assert trained == [42]
    assert all(row["bytes"] > 1_000_000 for row in rows)
    assert all("fitted points 2.0 pixels away" in row["note"] for row in rows)


def test_unknown_rows_are_named(arguments: argparse.Namespace) -> None:
    arguments.only = ["hog:forest"]
    with pytest.raises(ValueError, match="'hog:forest'"):
        compare.run(arguments)


def rows_of_every_kind() -> list[compare.BaselineRow]:
    kinds: list[dict[str, Any]] = [
        {"name": f"{features} + {classifier}", "features": features, "classifier": classifier}
        for features in compare.TITLES.values()
        for classifier in ("linear SVM", "RBF SVM", "k-NN", "MLP")
    ]
    kinds.append({"name": "Affectune", "features": compare.LEARNED, "classifier": compare.NETWORK})
    return [
        compare.BaselineRow(
            **kind,
            training_images=None if kind["features"] == compare.LEARNED else 8_000,
            accuracy=0.3 + 0.02 * place,
            macro_f1=0.25,
            training_seconds=None if kind["features"] == compare.LEARNED else 12.0,
            milliseconds=0.5 + place,
            bytes=1_500_000 * place,
            note="",
        )
        for place, kind in enumerate(kinds)
    ]


def test_markdown_has_every_row_the_best_first() -> None:
    rows = rows_of_every_kind()
    results = compare.BaselinesRecord(
        network={},
        command="",
        split="public-test",
        images=1,
        training_images=1,
        seed=0,
        rows=rows,
    )
    head, rule, *lines = compare.as_markdown(results).split("\n")
    assert len(lines) == len(rows) == 25
    assert len({line.count("|") for line in (head, rule, *lines)}) == 1
    assert lines[0].startswith("| Affectune | 78.0% | 0.250 | 24.50 | 36.0 MB |  |  |")
    assert lines[-1].startswith("| LBP + linear SVM | 30.0% |")


def test_chart_is_a_picture_on_which_no_two_names_meet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib.axes import Axes

    axes: list[Axes] = []
    named = compare._name_marks

    def kept(axis: Axes, rows: list[compare.BaselineRow]) -> None:
        named(axis, rows)
        axes.append(axis)

    monkeypatch.setattr(compare, "_name_marks", kept)
    rows = rows_of_every_kind()
    path = compare.draw_chart(rows, tmp_path / "baselines.png")
    assert cv2.imread(str(path)).shape[1] == 990
    names = axes[0].texts
    assert [name.get_text() for name in names] == [row["name"] for row in reversed(rows)]
    boxes = [name.get_window_extent() for name in names]
    assert not any(box.count_overlaps(boxes[:place]) for place, box in enumerate(boxes))
    with pytest.raises(ValueError, match="nothing to draw"):
        compare.draw_chart([], path)
