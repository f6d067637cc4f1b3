"""FER-2013 in one small file, for upload to a machine that trains.

``python -m model pack --data fer2013.zip --votes ferplus.csv --out build/packed`` writes
``fer2013.zip`` (the cleaned Training images and PublicTest, the files unchanged) and ``votes.csv``.
PrivateTest is left out, so that it cannot be read there.
"""

from __future__ import annotations

import argparse
import csv
import zipfile
from pathlib import Path

from model.data.fer2013 import data_path, load_fer2013


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    add("--data", help="FER-2013 as a zip (default: the environment variable FER2013_PATH)")
    add("--votes", type=Path, help="FER+ votes (csv); left out by default")
    add("--out", type=Path, default=Path("build/packed"), help="the folder that it is written to")


def run(arguments: argparse.Namespace) -> list[Path]:
    """Write the packed data and return the files.

    Raises:
        FileNotFoundError: there is no data at that place.
        ValueError: it is not a zip in the Kaggle layout.
    """
    place = data_path(arguments.data)
    if not zipfile.is_zipfile(place):
        raise ValueError(f"Incorrect value for 'data' argument: {place}: a zip is needed")
    data = load_fer2013(place)
    names = {*data.training.names, *data.public_test.names}
    arguments.out.mkdir(parents=True, exist_ok=True)
    packed = arguments.out / "fer2013.zip"
    with zipfile.ZipFile(place) as source, zipfile.ZipFile(packed, "w") as archive:
        for name in sorted(names):
            archive.writestr(zipfile.ZipInfo(name), source.read(name))
    if arguments.votes is None:
        return [packed]
    votes = arguments.out / "votes.csv"
    with arguments.votes.open(newline="") as lines, votes.open("w", newline="") as target:
        table = csv.DictReader(lines)
        writer = csv.DictWriter(target, table.fieldnames or ())
        writer.writeheader()
        writer.writerows(row for row in table if row["image"] in names)
    return [packed, votes]
