from __future__ import annotations

from pathlib import Path

import pytest

from tests.recommender.catalog.large import write_large_table


@pytest.fixture(scope="session")
def large_table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV of 20,000 tracks."""
    path = tmp_path_factory.mktemp("large") / "table.csv"
    write_large_table(path)
    return path
