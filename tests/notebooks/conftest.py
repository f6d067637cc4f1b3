"""FER-2013 and FER+ in miniature, for the notebooks."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from model.data.fer2013 import FERPLUS_COLUMNS
from tests.model.conftest import files


@pytest.fixture(scope="session")
def tiny_zip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The miniature of the model's tests, with a picture that PublicTest and Training share."""
    pictures = files()
    pictures["train/sad/Training_903.jpg"] = pictures["test/happy/PublicTest_03.jpg"]
    path = tmp_path_factory.mktemp("data") / "fer2013.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in pictures.items():
            archive.writestr(name, content)
    return path


@pytest.fixture(scope="session")
def tiny_votes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten votes for every picture; nobody has voted for the last one."""
    chance = np.random.default_rng(0)
    rows = [",".join(["image", *FERPLUS_COLUMNS])]
    for name in files():
        cast = chance.multinomial(10, chance.dirichlet(np.full(len(FERPLUS_COLUMNS), 0.3)))
        rows.append(",".join([name, *map(str, cast)]))
    rows[-1] = ",".join([name, *"0" * len(FERPLUS_COLUMNS)])
    path = tmp_path_factory.mktemp("votes") / "votes.csv"
    path.write_text("\n".join(rows) + "\n")
    return path
