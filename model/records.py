"""Where the network's files lie, and one schema for each JSON record of what was measured of it.

The commands that measure write these records; the model card, the notebooks and the app's model
page read them. The module is light on purpose: it loads neither Keras nor TensorFlow.

Fractions are 0-1, emotions are named as in `emotion.labels.EMOTIONS`, and ``command`` is what
repeats a measurement. `load` checks a file against its schema.
"""

from __future__ import annotations

import hashlib
import json
import types
from functools import cache
from pathlib import Path
from typing import (
    Any,
    Final,
    NotRequired,
    TypedDict,
    TypeVar,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from emotion import classifier

SHIPPED: Final = classifier.WEIGHTS
"""The LiteRT file that the app runs on; the library `emotion` carries it."""
WEIGHTS: Final = Path(__file__).parent / "weights"
"""The folder of the ``.keras`` file, to train further, and of every record."""


def litert_file(folder: Path) -> Path:
    """Return the LiteRT file that belongs to a folder of weights and records.

    Any but the shipped one lies in the folder itself.
    """
    return SHIPPED if folder.resolve() == WEIGHTS.resolve() else folder / SHIPPED.name


def records_folder(weights: Path) -> Path:
    """Return the folder of the records of a weights file: the inverse of `litert_file`."""
    return WEIGHTS if weights.resolve() == SHIPPED.resolve() else weights.parent


class NetworkFile(TypedDict):
    """A weights file: its name, size in bytes and SHA-256. Tells which network was measured."""

    file: str
    bytes: int
    sha256: str


class CalibrationSummary(TypedDict):
    """The metrics of a network on PublicTest, before or after its calibration."""

    accuracy: float
    macro_recall: float
    ece: float
    recall: dict[str, float]


class CalibrationRecord(TypedDict):
    """``calibration.json``: what `model.training.export` fitted on ``split`` and folded in.

    ``bias`` holds an offset of each emotion's logit; ``adjustment`` and ``floor`` are the
    arguments of `model.training.calibration.fit_calibration`.
    """

    temperature: float
    bias: dict[str, float]
    adjustment: NotRequired[float]
    floor: NotRequired[float]
    split: NotRequired[str]
    before: NotRequired[CalibrationSummary]
    after_quantization: NotRequired[CalibrationSummary]


class ClassMetrics(TypedDict):
    """How one emotion is recognised; ``images`` counts those with its label."""

    images: int
    precision: float
    recall: float
    f1: float


class ReliabilityBin(TypedDict):
    """A bin of confidence: its mean, the accuracy in it, and how many images fall into it."""

    confidence: float
    accuracy: float
    images: int


class UnsureMetrics(TypedDict):
    """How often the two most probable emotions are closer than ``margin``, and accuracy then."""

    margin: float
    fraction: float
    accuracy_when_sure: float
    accuracy_when_unsure: float
    either_of_two_when_unsure: float


class FerplusMetrics(TypedDict):
    """Agreement with the FER+ majority, of the network and of FER-2013's own labels.

    ``images`` have a majority; in ``agreed_images`` it is FER-2013's label.
    """

    images: int
    agreement: float
    labels_agreement: float
    agreed_images: int
    agreed_accuracy: float


class SplitMetrics(TypedDict):
    """A network measured on one split; ``confusion`` counts [true][predicted].

    ``clean_images`` are those that do not occur in Training as well. ``tta`` says whether the
    image and its mirror image were averaged.
    """

    split: str
    tta: bool
    images: int
    accuracy: float
    clean_images: int
    clean_accuracy: float
    macro_f1: float
    macro_recall: float
    ece: float
    per_class: dict[str, ClassMetrics]
    confusion: list[list[int]]
    reliability: NotRequired[list[ReliabilityBin]]
    unsure: NotRequired[UnsureMetrics]
    ferplus: NotRequired[FerplusMetrics | None]
    command: NotRequired[str]


class MetricsRecord(TypedDict):
    """``metrics.json``: figures by split, with ``+tta`` where the mirror image was averaged in."""

    network: NetworkFile
    calibration: NotRequired[CalibrationRecord | None]
    figures: dict[str, SplitMetrics]


class CorruptionPoint(TypedDict):
    """Accuracy at one severity; ``fer`` is PyPI's, None where it was not measured."""

    severity: float
    accuracy: float
    fer: float | None


class CorruptionFigures(TypedDict):
    """Accuracy under one corruption; ``none`` is the severity that changes nothing."""

    name: str
    unit: str
    explanation: str
    none: float
    points: list[CorruptionPoint]


class RobustnessRecord(TypedDict):
    """``robustness.json``: accuracy on corrupted images."""

    network: NetworkFile
    command: str
    split: str
    images: int
    corruptions: list[CorruptionFigures]


class ConditionFigures(TypedDict):
    """A detector's results on faces of ``side`` pixels, tilted by ``tilt`` degrees clockwise.

    ``own_crops`` and ``detected`` are accuracies on the faces that were found, ``loss`` their
    difference in points; ``end_to_end`` counts a face that was not found as read wrongly.
    """

    side: int
    tilt: int
    faces: int
    found: float
    own_crops: float
    detected: float
    loss: float
    end_to_end: float


class DetectorFigures(TypedDict):
    """One detector under every condition, and in how many empty images it detects a face.

    ``loss_error`` is half of the 95 % interval of the loss averaged over the conditions, in points;
    older records lack it.
    """

    detector: str
    conditions: list[ConditionFigures]
    loss_error: NotRequired[float]
    false_positives: int


class LocalizationRecord(TypedDict):
    """``localization.json``: the accuracy that is lost between a photo and the crop.

    ``own_crops`` is the accuracy on FER-2013's own crops of all faces, ``empty_images`` the number
    of images without a face; ``backgrounds`` are scikit-image's names of the images that faces are
    pasted into, all of ``image_size`` (width, height).
    """

    network: NetworkFile
    command: str
    split: str
    faces: int
    image_size: list[int]
    backgrounds: list[str]
    own_crops: float
    empty_images: int
    detectors: list[DetectorFigures]


class BaselineRow(TypedDict):
    """One way of reading a face, and how well it does.

    ``training_images`` and ``training_seconds`` (features and fit) are None for a network that
    came trained; ``milliseconds`` is the median for a face, from grey image to class, one at a
    time, in one thread; ``bytes`` is the size of the pickled pipeline or of the weights file.
    """

    name: str
    features: str
    classifier: str
    training_images: int | None
    accuracy: float
    macro_f1: float
    training_seconds: float | None
    milliseconds: float
    bytes: int
    note: str


class BaselinesRecord(TypedDict):
    """``baselines.json``: the network beside classical features, the most accurate row first."""

    network: NetworkFile
    command: str
    split: str
    images: int
    training_images: int
    seed: int
    rows: list[BaselineRow]


class Coverage(TypedDict):
    """How many readings are named at a margin, and how many of those and of the rest are right."""

    margin: float
    coverage: float | None
    accuracy: float | None
    accuracy_of_the_rest: float | None


class ReadingFigures(TypedDict):
    """How photographs were read.

    ``found`` is the fraction with a face, ``recall`` is by emotion, ``mean_recall`` over
    `model.evaluation.recall.MEASURED`, ``neutral_read_negative`` the fraction of neutral faces
    that are read as angry, disgusted, afraid or sad, and ``images`` counts the labels.
    """

    found: float
    recall: dict[str, float]
    mean_recall: float | None
    neutral_read_negative: float | None
    images: dict[str, int]
    ece: float | None
    hard_to_say: Coverage
    coverage: list[Coverage]


class PhotographsFigures(ReadingFigures):
    """Labelled photographs read end to end by one head; ``fer`` is PyPI's on the same crops."""

    photos: int
    part: str | None
    head: str
    detector: str
    command: str
    network: NotRequired[NetworkFile]
    fer: NotRequired[ReadingFigures]


class PhotographsRecord(TypedDict):
    """``photographs.json``: figures by head."""

    network: NetworkFile
    heads: dict[str, PhotographsFigures]


class HeadChoice(TypedDict):
    """The settings of the second head (`model.training.people.Choice`)."""

    balance: float
    fer_weight: float
    regularisation: float


class HeadTrial(HeadChoice):
    """Settings that were tried, with their metrics on the photographs of ``dev``.

    ``least_fer_recall`` and ``fer_accuracy`` are measured on the PublicTest images on which
    FER-2013 and FER+ agree.
    """

    loss: float
    neutral_recall: float
    mean_recall: float | None
    neutral_read_negative: float | None
    least_fer_recall: float
    fer_accuracy: float


class HeadFigures(TypedDict):
    """How a head reads labelled crops."""

    faces: int
    recall: dict[str, float]
    mean_recall: float | None
    neutral_read_negative: float | None


class PeoplePhotos(TypedDict):
    """The photographs behind the second head, by part: persons, and images of each emotion."""

    looked_at: int
    with_a_face: int
    persons: dict[str, int]
    images: dict[str, dict[str, int]]


class PeopleRecord(TypedDict):
    """``people.json``: how the head that reads people in front of cameras was fitted."""

    choice: HeadChoice
    neutral_offset: float
    temperature: float
    photos: PeoplePhotos
    fer_images: int
    tried_on_dev: list[HeadTrial]
    test: HeadFigures
    test_read_by_first_output: HeadFigures
    public_test_agreed: dict[str, float]
    fitted: NotRequired[str]


class RestingRecord(TypedDict):
    """``resting.json``: how a typical neutral face is read."""

    photos: int
    found: int
    read_as_neutral: int
    network: str
    log_probabilities: dict[str, float]


class BestEpoch(TypedDict):
    """The epoch whose averaged weights were kept, and their metrics on PublicTest.

    ``noisy`` is the accuracy on images with noise, ``score`` its mean with ``accuracy``.
    """

    epoch: int
    accuracy: float
    noisy: NotRequired[float]
    score: NotRequired[float]
    recall: NotRequired[dict[str, float]]


class TrainingRecord(TypedDict):
    """``training.json``: the arguments of every start of a run and of the runs before it.

    ``initial`` is the run whose weights it started from, ``joined`` the one that is shipped with
    it, ``shipped_side`` the input side in pixels where that is not the one of training, and
    ``exported`` the day, YYYY-MM-DD.
    """

    starts: list[dict[str, Any]]
    best: NotRequired[BestEpoch]
    initial: NotRequired[TrainingRecord]
    joined: NotRequired[TrainingRecord]
    shipped_side: NotRequired[int]
    exported: NotRequired[str]


class RunSummary(TypedDict):
    """A training run in `ExperimentsRecord`: settings, cost and the best epoch on PublicTest."""

    network: NotRequired[str]
    side: NotRequired[int | None]
    settings: dict[str, Any]
    balance_by: str
    effective: float | None
    images: int | None
    initial: str | None
    teachers: list[str]
    teacher_weight: float | None
    starts: int
    epochs: int
    hours: float | None
    multiply_adds: int
    best_epoch: int
    public_test: float
    recall: NotRequired[dict[str, float] | None]
    train_accuracy: float


class EnsembleTrial(TypedDict):
    """PublicTest accuracy of several networks' mean probabilities, without and with mirroring."""

    runs: list[str]
    single: float
    mirror: float


class OffsetTrials(TypedDict):
    """Class offsets that were tried for the mean logits of ``runs``."""

    runs: list[str]
    rows: list[dict[str, float]]


class ExperimentsRecord(TypedDict):
    """``model/experiments.json``: what every run tried and reached."""

    runs: dict[str, RunSummary]
    ensembles: NotRequired[list[EnsembleTrial]]
    offsets: NotRequired[OffsetTrials]


SCHEMAS: Final[dict[str, Any]] = {
    "metrics": MetricsRecord,
    "calibration": CalibrationRecord,
    "robustness": RobustnessRecord,
    "localization": LocalizationRecord,
    "baselines": BaselinesRecord,
    "photographs": PhotographsRecord,
    "people": PeopleRecord,
    "resting": RestingRecord,
    "training": TrainingRecord,
    "experiments": ExperimentsRecord,
}
"""The schema of each record by the stem of its file's name."""

Record = TypeVar("Record")


def load(schema: type[Record], path: Path) -> Record:
    """Read a record.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no JSON, or does not follow the schema.
    """
    try:
        return check(schema, json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise ValueError(f"{path.name} cannot be read: {error}") from error


def check(schema: type[Record], content: Any) -> Record:
    """Return parsed JSON as a record. Keys that the schema does not know are kept.

    Raises:
        ValueError: a key is missing or a value is of another type.
    """
    _check(schema, content, "the record")
    checked: Record = content
    return checked


def describe(weights: Path) -> NetworkFile:
    """Return the name, size and hash of a weights file."""
    content = weights.read_bytes()
    return NetworkFile(
        file=weights.name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest()
    )


def write_json(content: Any, path: Path) -> None:
    """Write a record, whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)


@cache
def _fields(schema: Any) -> dict[str, tuple[Any, bool]]:
    """Return each key of a TypedDict with its type and whether it is required.

    ``__required_keys__`` cannot be used: with postponed annotations it does not see NotRequired.
    """
    hints = get_type_hints(schema, include_extras=True)
    optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired}
    return {
        name: (get_args(hint)[0], False) if name in optional else (hint, True)
        for name, hint in hints.items()
    }


def _check(kind: Any, value: Any, where: str) -> None:
    if kind is Any:
        return
    if isinstance(kind, types.UnionType):
        if value is None:
            return
        (kind,) = (one for one in get_args(kind) if one is not types.NoneType)
    record = is_typeddict(kind)
    container = get_origin(kind)
    expected = dict if record else container or kind
    # JSON may write 1.0 as 1, and to Python alone a bool is an int.
    fits = (int, float) if expected is float else expected
    if not isinstance(value, fits) or (isinstance(value, bool) and expected is not bool):
        raise ValueError(f"{where} is {value!r:.40}, not {expected.__name__}")
    content: Any = value
    if record:
        for key, (field, required) in _fields(kind).items():
            if key in content:
                _check(field, content[key], f"{where}[{key!r}]")
            elif required:
                raise ValueError(f"{where} lacks {key!r}")
    elif container is list:
        for place, one in enumerate(content):
            _check(get_args(kind)[0], one, f"{where}[{place}]")
    elif container is dict:
        for key, one in content.items():
            _check(get_args(kind)[1], one, f"{where}[{key!r}]")
