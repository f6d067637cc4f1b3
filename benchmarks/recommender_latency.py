"""How long `recommend` takes, against the size of the catalogue.

    python benchmarks/recommender_latency.py [--rows 114000] [--calls 60]

Writes a synthetic table of the Kaggle layout, imports it, and asks for playlists of 20 tracks
over a grid of moods, intents and genres; then the same on the starter catalogue.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from pathlib import Path

import duckdb
import numpy as np

from recommender import INTENTS, Catalog, Mood, Recommender, import_file

SYNTHETIC = """
COPY (
    SELECT lpad(CAST(i AS VARCHAR), 22, 'A') AS track_id,
           'Artist ' || CAST(floor(pow(random(), 2) * $rows / 4) AS INTEGER) AS artists,
           'Song ' || i AS track_name,
           CAST(floor(pow(random(), 2) * 100) AS INTEGER) AS popularity,
           200000 AS duration_ms, false AS explicit,
           random() AS danceability, 1 - pow(random(), 2) AS energy, random() AS acousticness,
           pow(random(), 6) AS instrumentalness, random() AS valence, 60 + 120 * random() AS tempo,
           list_extract(['acoustic', 'afrobeat', 'alt-rock', 'ambient', 'blues', 'classical',
               'country', 'dance', 'edm', 'folk', 'hip-hop', 'house', 'indie-pop', 'j-pop', 'jazz',
               'k-pop', 'latino', 'metal', 'pop', 'punk', 'r-n-b', 'reggae', 'rock', 'soul',
               'synth-pop', 'techno'], 1 + CAST(floor(random() * 26) AS INTEGER)) AS track_genre
    FROM range($rows) AS numbers(i)
) TO $path (FORMAT csv, HEADER)
"""


def measure(catalog: Catalog, calls: int) -> np.ndarray:
    """Return the milliseconds that each call took."""
    recommender = Recommender(catalog)
    moods = [Mood(v / 10, a / 10) for v, a in itertools.product((-8, -3, 2, 7), repeat=2)]
    genres: list[tuple[str, ...]] = [(), (), (), ("jazz",)]
    recommender.recommend(moods[0], seed=0)
    taken = []
    asked = itertools.cycle(itertools.product(moods, INTENTS, genres))
    for seed, (mood, intent, wanted) in zip(range(calls), asked, strict=False):
        start = time.perf_counter()
        recommender.recommend(mood, intent=intent, genres=wanted, seed=seed)  # type: ignore[arg-type]
        taken.append((time.perf_counter() - start) * 1000)
    return np.array(taken)


def report(name: str, size: int, taken: np.ndarray) -> None:
    p50, p95 = np.percentile(taken, [50, 95])
    print(f"{name:<10} {size:>9,} tracks   p50 {p50:6.1f} ms   p95 {p95:6.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[114_000])
    parser.add_argument("--calls", type=int, default=60)
    options = parser.parse_args()
    start = time.perf_counter()
    with Catalog.open() as catalog:
        opened = (time.perf_counter() - start) * 1000
        report("starter", len(catalog), measure(catalog, options.calls))
    print(f"{'':<10} opened in {opened:.0f} ms")
    for rows in options.rows:
        with tempfile.TemporaryDirectory() as folder:
            table, target = Path(folder) / "table.csv", Path(folder) / "catalog.duckdb"
            with duckdb.connect() as connection:
                connection.execute("SELECT setseed(0.5)")
                connection.execute(SYNTHETIC, {"rows": rows, "path": str(table)})
            start = time.perf_counter()
            import_file(table, target)
            imported = time.perf_counter() - start
            start = time.perf_counter()
            with Catalog.open(target) as catalog:
                opened = (time.perf_counter() - start) * 1000
                report("synthetic", len(catalog), measure(catalog, options.calls))
            print(f"{'':<10} imported in {imported:.1f} s, opened in {opened:.0f} ms")


if __name__ == "__main__":
    main()
