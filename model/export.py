"""From a trained network to the files that the app ships.

``python -m model export --run first`` copies the run's best network, its arguments, history and
curves into ``model/weights/`` and writes ``emotion_cnn.tflite`` for LiteRT. The exported file is
compared with Keras on real crops before it replaces the old one.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.labels import EMOTIONS
from model.data import load_fer2013
from model.evaluate import WEIGHTS, load_predictor
from model.train import RUNS

TOLERANCE = 1e-4
CROPS = 256
NAME = "emotion_cnn"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--data", help="FER-2013: zip, folder or csv (default: the environment's FER2013_PATH)")
    add("--run", default="default", help="the run under model/runs whose best network is taken")
    add("--out", type=Path, default=WEIGHTS, help="the folder that the files go to")


def run(arguments: argparse.Namespace) -> Path:
    """Export a run's best network and return the LiteRT file."""
    source = RUNS / arguments.run
    crops = load_fer2013(arguments.data).public_test.images[:CROPS]
    arguments.out.mkdir(parents=True, exist_ok=True)
    exported = export(source / "best.keras", arguments.out / f"{NAME}.tflite", crops)
    shutil.copyfile(source / "best.keras", arguments.out / f"{NAME}.keras")
    shutil.copyfile(source / "history.csv", arguments.out / "history.csv")
    shutil.copyfile(source / "curves.png", arguments.out / "curves.png")
    how = {
        "starts": json.loads((source / "arguments.json").read_text()),
        "best": json.loads((source / "best.json").read_text()),
    }
    initial = how["starts"][0].get("initial")
    origin = Path(initial).with_name("arguments.json") if initial else None
    if origin and origin.is_file():
        # The run that this one began with is part of how the network came about.
        how["initial"] = {
            "starts": json.loads(origin.read_text()),
            "best": json.loads(origin.with_name("best.json").read_text()),
        }
    # Where the files lay is of no use to anybody else.
    for start in (*how["starts"], *how.get("initial", {}).get("starts", ())):
        for place in ("data", "votes"):
            if start[place]:
                start[place] = Path(start[place]).name
        for place in ("initial", "teacher"):
            if start.get(place):
                start[place] = "/".join(Path(start[place]).parts[-2:])
    (arguments.out / "training.json").write_text(json.dumps(how, indent=2) + "\n")
    return exported


def export(weights: Path, target: Path, crops: NDArray[np.uint8]) -> Path:
    """Write a Keras network as a LiteRT file that gives the same probabilities.

    Args:
        weights: a ``.keras`` file.
        target: the ``.tflite`` file to write; replaced only by one that agrees.
        crops: uint8 ``(N, 48, 48, 1)``, real faces to compare on.

    Raises:
        FileNotFoundError: there is no such network.
        ValueError: a probability of the two differs by more than 1e-4, or the exported file
            has not the promised input and output.
    """
    import keras

    if not weights.is_file():
        raise FileNotFoundError(f"There is no trained network at {weights}: train one first")
    network = keras.saving.load_model(weights, compile=False)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        draft = Path(folder) / target.name
        network.export(str(draft), format="litert", verbose=False)
        expected = load_predictor(weights)(crops)
        found = load_predictor(draft)(crops)
        if found.shape != (len(crops), len(EMOTIONS)):
            raise ValueError(f"The exported network returns {found.shape[1:]} values a face")
        difference = float(np.abs(expected - found).max())
        if difference > TOLERANCE:
            raise ValueError(
                f"The exported network differs from Keras by {difference:.1e} on {len(crops)} "
                f"crops; {TOLERANCE:.0e} is allowed"
            )
        draft.replace(target)
    return target
