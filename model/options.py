"""Options that several commands share, each declared once."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Protocol

from model.records import SHIPPED


class Options(Protocol):
    """An argument parser, or an argument group."""

    def add_argument(self, *names: str, **settings: Any) -> argparse.Action:
        """Declare an option."""
        ...


def add_data(options: Options) -> None:
    """Declare ``--data``: FER-2013."""
    options.add_argument(
        "--data",
        help="FER-2013: zip, folder or csv (default: the environment variable FER2013_PATH)",
    )


def add_votes(options: Options, what: str, **more: Any) -> None:
    """Declare ``--votes``: FER+ votes, and what the command does with them."""
    options.add_argument("--votes", help=f"FER+ votes (csv): {what}", **more)


def add_photos(options: Options, what: str = "", **more: Any) -> None:
    """Declare ``--photos``: labelled photographs, and what the command does with them."""
    options.add_argument(
        "--photos",
        type=Path,
        help=f"labelled photographs, zip or folder: <emotion>/<person>-<id>.jpg{what}",
        **more,
    )


def add_split(options: Options) -> None:
    """Declare ``--split``: which test set is measured."""
    options.add_argument("--split", choices=("public-test", "private-test"), default="public-test")


def add_weights(options: Options, kinds: str = ".tflite or .keras") -> None:
    """Declare ``--weights``: the file that is measured, the shipped one by default."""
    options.add_argument("--weights", type=Path, default=SHIPPED, help=f"a {kinds} file")


def add_fer(options: Options) -> None:
    """Declare ``--fer``: PyPI's package to compare with."""
    options.add_argument(
        "--fer", metavar="PYTHON", help="a Python that can import PyPI's fer, to compare with"
    )


def add_json(options: Options) -> None:
    """Declare ``--json``: what is printed."""
    options.add_argument("--json", action="store_true", help="print the figures as JSON")


def add_record(options: Options, *names: str) -> None:
    """Declare ``--record``: whether the figures are written into a record of these names."""
    options.add_argument(
        "--record", action="store_true", help=f"write the figures into {' or '.join(names)} as well"
    )
