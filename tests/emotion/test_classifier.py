from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from emotion.classifier import EmotionClassifier, WeightsError
from emotion.types import Box, Face

FACE = Face(Box(177, 66, 97, 97))


@pytest.fixture(scope="module")
def classifier() -> EmotionClassifier:
    return EmotionClassifier()


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 48, 48)).astype(np.uint8)


def test_probabilities_sum_to_one(classifier: EmotionClassifier) -> None:
    probabilities = classifier.predict(noise(5))
    assert probabilities.shape == (5, 7)
    assert probabilities.dtype == np.float32
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert probabilities.min() >= 0


def test_a_batch_gives_what_its_crops_give_alone(classifier: EmotionClassifier) -> None:
    crops = noise(9)
    alone = np.concatenate([classifier.predict(crop[np.newaxis]) for crop in crops])
    assert np.allclose(classifier.predict(crops), alone, atol=1e-5)


def test_type_and_last_axis_of_the_crops_do_not_matter(classifier: EmotionClassifier) -> None:
    crops = noise(3)
    expected = classifier.predict(crops)
    for same in (crops.astype(np.float64), crops[..., np.newaxis], crops[:, ::-1][:, ::-1]):
        assert np.array_equal(classifier.predict(same), expected)


def test_no_crops_give_no_rows(classifier: EmotionClassifier) -> None:
    assert classifier.predict(noise(0)).shape == (0, 7)
    assert classifier.classify(np.zeros((9, 9, 3), np.uint8), []) == []


@pytest.mark.parametrize("shape", [(48, 48), (2, 32, 32), (2, 48, 48, 3), ()])
def test_another_shape_is_refused_by_name(
    classifier: EmotionClassifier, shape: tuple[int, ...]
) -> None:
    with pytest.raises(ValueError, match="'crops'") as caught:
        classifier.predict(np.zeros(shape))
    assert str(shape) in str(caught.value)


def test_a_broad_smile_is_happy(classifier: EmotionClassifier, astronaut: np.ndarray) -> None:
    (scores,) = classifier.classify(astronaut, [FACE])
    assert scores.emotion == "happy"
    assert sum(scores.probabilities) == pytest.approx(1, abs=1e-5)


def test_a_mirrored_image_reads_the_same(
    classifier: EmotionClassifier, astronaut: np.ndarray
) -> None:
    mirrored = np.ascontiguousarray(astronaut[:, ::-1])
    face = Face(Box(512 - 177 - 97, 66, 97, 97))
    (one,), (other,) = classifier.classify(astronaut, [FACE]), classifier.classify(mirrored, [face])
    assert np.allclose(one.probabilities, other.probabilities, atol=0.02)


def test_threads_do_not_disturb_each_other(classifier: EmotionClassifier) -> None:
    batches = [noise(count) for count in (1, 2, 5, 9)] * 6
    expected = [classifier.predict(batch) for batch in batches]
    with ThreadPoolExecutor(8) as pool:
        for got, wanted in zip(pool.map(classifier.predict, batches), expected, strict=True):
            assert np.allclose(got, wanted, atol=1e-6)


def test_missing_weights_error_names_the_path(tmp_path: Path) -> None:
    path = tmp_path / "none.tflite"
    with pytest.raises(WeightsError, match="missing") as caught:
        EmotionClassifier(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no network at all", bytes(3000)])
def test_broken_weights_are_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.tflite"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=r"broken\.tflite"):
        EmotionClassifier(path)


def test_a_truncated_network_is_refused(classifier: EmotionClassifier, tmp_path: Path) -> None:
    path = tmp_path / "half.tflite"
    path.write_bytes(classifier.path.read_bytes()[:5000])
    with pytest.raises(WeightsError, match=r"half\.tflite"):
        EmotionClassifier(path)


def test_the_heads_differ_and_the_app_reads_people(classifier: EmotionClassifier) -> None:
    crops = noise(6)
    people = EmotionClassifier(head="people").predict(crops)
    fer2013 = EmotionClassifier(head="fer2013").predict(crops)
    assert (classifier.predict(crops) == people).all()
    assert not np.allclose(people, fer2013, atol=0.05)
    with pytest.raises(ValueError, match="'people', 'fer2013'"):
        EmotionClassifier(head="animals")  # type: ignore[arg-type]


def test_the_files_first_output_is_that_of_fer2013(classifier: EmotionClassifier) -> None:
    interpreter = Interpreter(str(classifier.path))
    interpreter.allocate_tensors()
    crop = noise(1).astype(np.float32)[..., None]
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], crop)
    interpreter.invoke()
    first, second = (
        interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()
    )
    assert np.allclose(first, EmotionClassifier(head="fer2013").predict(crop), atol=1e-6)
    assert np.allclose(second, EmotionClassifier(head="people").predict(crop), atol=1e-6)
    # By the signature it is the same one.
    runner = interpreter.get_signature_runner()
    assert np.allclose(runner(picture=crop)["output_0"], first, atol=1e-6)
