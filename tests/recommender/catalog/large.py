"""A table of many blocks, and catalogues in more files than their tracks would need."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from recommender.catalog import dataset, dataset_writer, manifest
from recommender.catalog.tables import BLOCK_TRACKS

GENRES: Final = ("jazz", "pop", "folk", "k-pop")
LANGUAGES: Final = ("en", "ko", "")
LARGE: Final = 20_000
BLOCKS_PER_FILE: Final = 4


def write_large_table(path: Path) -> None:
    """Write a table of `LARGE` tracks, with many equals among valences, and with rare things."""
    draw = np.random.default_rng(0)
    # One in five hundred is jazz; no k-pop is of the fifties, but all sixties are rare.
    genres = draw.choice(GENRES, LARGE, p=(0.002, 0.5, 0.398, 0.1))
    years = draw.choice((1965, 1999, 2015), LARGE, p=(0.01, 0.4, 0.59))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        names = "id,title,artists,genres,year,language,explicit,popularity,valence,energy,isrc"
        writer.writerow(names.split(","))
        writer.writerows(
            zip(
                (f"{number:022d}" for number in range(LARGE)),
                (f"Song {number % 15_000}" for number in range(LARGE)),
                (f"Artist {number % 700};Guest {number % 90}" for number in range(LARGE)),
                genres.tolist(),
                years.tolist(),
                draw.choice(LANGUAGES, LARGE, p=(0.5, 0.01, 0.49)).tolist(),
                (draw.random(LARGE) < 0.3).tolist(),
                np.floor(100 * draw.random(LARGE) ** 2).tolist(),
                draw.random(LARGE).round(2).tolist(),
                (1 - draw.random(LARGE) ** 2).round(3).tolist(),
                (f"GB{number % 9000:010d}" if number % 3 else "" for number in range(LARGE)),
                strict=True,
            )
        )


def few_blocks_per_file(patch: pytest.MonkeyPatch) -> None:
    """Have a folder's files hold few blocks and hashes, so that there are many."""
    tracks = BLOCKS_PER_FILE * BLOCK_TRACKS
    for module, name, value in (
        (manifest, "TRACKS_PER_FILE", tracks),
        (dataset, "TRACKS_PER_FILE", tracks),
        (dataset, "BLOCKS_PER_FILE", BLOCKS_PER_FILE),
        (dataset_writer, "TRACKS_PER_FILE", tracks),
        (dataset_writer, "HASHES_PER_FILE", 3000),
    ):
        patch.setattr(module, name, value)
