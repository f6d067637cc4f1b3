"""What a catalogue costs by its size: import, opening, playlists, memory.

    python benchmarks/catalog.py [--rows 114000 1000000] [--calls 192] [--chart FILE.svg]
    python benchmarks/catalog.py --rows 30000000 --layouts folder --no-pandas [--latency 20]

Writes a synthetic table of the Kaggle layout for each size, imports it into a file, a folder of
Parquet files or both, and asks for playlists of 20 tracks over a grid of moods, intents and genres,
a rare one among them. The reference, on the same table, is what one would write first: keep it in
pandas, compute all distances and take the nearest. Each is measured in a process of its own, and
the first playlist also with none of the catalogue in the page cache ("cold", on systems that can
drop files from it). ``--latency MS`` also opens the folder as an address each of whose answers
takes MS milliseconds. ``--rows 10000000`` needs 4 GB of disk, and ``--no-pandas`` if memory is
short; ``--rows 30000000 --no-pandas`` needs 16 GB, and writes the table as Parquet.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import Any

import numpy as np

LIMITS = {114_000: 20, 1_000_000: 50, 10_000_000: 300, 30_000_000: 1000}
"""Tracks → target for the 95th percentile of a playlist's time, in milliseconds."""

RARE = "flamenco"
GENRES: tuple[tuple[str, ...], ...] = ((), (), ("jazz",), (RARE,))
MOODS = list(itertools.product((-0.8, -0.3, 0.2, 0.7), repeat=2))

SYNTHETIC = """
COPY (
    SELECT left(md5(i::VARCHAR), 22) AS track_id,
           'Artist ' || floor(pow(random(), 2) * $rows / 4)::INTEGER || CASE WHEN random() < 0.2
               THEN ';Guest ' || floor(random() * $rows / 20)::INTEGER ELSE '' END AS artists,
           'Song ' || i AS track_name, floor(pow(random(), 2) * 100)::INTEGER AS popularity,
           (120000 + 200000 * random())::INTEGER AS duration_ms, random() < 0.1 AS explicit,
           round(random(), 3) AS danceability, round(1 - pow(random(), 2), 3) AS energy,
           round(random(), 3) AS acousticness, round(pow(random(), 6), 4) AS instrumentalness,
           round(random(), 3) AS valence, round(60 + 120 * random(), 3) AS tempo,
           (random() < 0.6)::INTEGER AS mode,
           1960 + floor(66 * sqrt(random()))::INTEGER AS year,
           CASE WHEN random() < 0.0005 THEN $rare ELSE list_extract(['pop', 'rock', 'indie-pop',
               'hip-hop', 'edm', 'alt-rock', 'folk', 'house', 'r-n-b', 'metal', 'latino', 'country',
               'techno', 'punk', 'soul', 'ambient', 'k-pop', 'classical', 'synth-pop', 'reggae',
               'blues', 'j-pop', 'jazz', 'afrobeat'],
               1 + floor(pow(random(), 1.5) * 24)::INTEGER) END AS track_genre
    FROM range($rows) AS numbers(i)
) TO $path (FORMAT {format})
"""

COLD_CALLS = 5
"""The first, which is the one that counts, and enough to have one of each kind after it."""

FORMATS = {".csv": "csv, HEADER", ".parquet": "parquet"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[114_000, 1_000_000])
    parser.add_argument("--calls", type=int, default=192)
    parser.add_argument("--pandas-calls", type=int, default=16)
    parser.add_argument("--no-pandas", action="store_true")
    parser.add_argument(
        "--layouts", nargs="+", choices=("file", "folder"), default=["file"], help="imported into"
    )
    parser.add_argument(
        "--latency", type=int, metavar="MS", help="also read the folder with each answer MS late"
    )
    parser.add_argument("--chart", type=Path, help="draw cost against size into this file")
    parser.add_argument("--json", type=Path, help="keep the figures in this file")
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--into", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        how, path = options.measure
        if how == "import":
            found = measure_import(Path(path), options.into)
        elif how == "ours":
            found = measure_ours(path, options.calls)
        else:
            found = measure_pandas(Path(path), options.pandas_calls)
        print(json.dumps(found | {"rss": peak()}))
        return
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; times in ms, memory in MB")
    print(HEADER)
    figures = [measured(rows, options) for rows in options.rows]
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    if options.chart:
        draw(figures, options.chart)


HEADER = (
    f"{'tracks':>10} {'what':<12} {'made in':>9} {'opened':>7} {'cold':>7} {'first':>7} {'p50':>7}"
    f" {'p95':>7} {'slowest':>8} {'cpu p95':>8} {'rare p95':>9} {'memory':>7} {'disk':>7}"
)


def measured(rows: int, options: argparse.Namespace) -> dict[str, Any]:
    """Measure one size and print its lines."""
    import duckdb

    suffix = ".parquet" if options.no_pandas else ".csv"
    figures: dict[str, Any] = {"rows": rows}
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / f"table{suffix}"
        with duckdb.connect(config={"temp_directory": folder}) as connection:
            connection.execute("SET enable_progress_bar = false; SELECT setseed(0.5)")
            connection.execute(
                SYNTHETIC.replace("{format}", FORMATS[suffix]),
                {"rows": rows, "path": str(table), "rare": RARE},
            )
        for layout in options.layouts:
            target = Path(folder) / ("catalog.duckdb" if layout == "file" else "catalog")
            into = str(target) if layout == "file" else f"{target}{os.sep}"
            made = alone("import", table, options, "--into", into)
            cold = alone("ours", target, options, calls=COLD_CALLS) if forget(target) else None
            warm = alone("ours", target, options)
            name = "Affectune" if layout == "file" else "in a folder"
            line(rows, name, made["seconds"], warm, size_of(target), cold)
            print(
                f"{'':>10} import: {made['seconds']:.1f} s, {made['rss']:.0f} MB of memory, "
                f"{made['disk']:.0f} MB of disk",
                flush=True,
            )
            figures |= {f"import {layout}": made, layout: warm, f"{layout}, cold": cold}
            if layout == "folder" and options.latency is not None:
                address = f"slow{options.latency}://{target}"
                figures["address"] = far = alone(
                    "ours", address, options, calls=max(COLD_CALLS, options.calls // 4)
                )
                line(rows, "at an address", 0.0, far, size_of(target))
                print(
                    f"{'':>10} a playlist: {far['reads']:.1f} reads, {far['kb']:.0f} kB", flush=True
                )
            remove(target)
        if not options.no_pandas:
            figures["pandas"] = scan = alone("pandas", table, options)
            line(rows, "pandas scan", scan["opened"] / 1000, scan, table.stat().st_size)
    return figures


def alone(
    how: str,
    path: Path | str,
    options: argparse.Namespace,
    *more: str,
    calls: int | None = None,
) -> dict[str, Any]:
    """Measure in a fresh process, so that memory is its own."""
    command = [sys.executable, __file__, "--measure", how, str(path), *more]
    command += ["--calls", str(calls or options.calls), "--pandas-calls", str(options.pandas_calls)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def line(
    rows: int,
    what: str,
    made: float,
    found: dict[str, Any],
    size: int,
    cold: dict[str, Any] | None = None,
) -> None:
    cold_ms = f"{cold['opened'] + cold['first']:.0f}" if cold else ""
    print(
        f"{rows:>10,} {what:<12} {made:>7.1f} s {found['opened']:>7.0f} {cold_ms:>7}"
        f" {found['first']:>7.1f} {found['p50']:>7.1f} {found['p95']:>7.1f}"
        f" {found['slowest']:>8.1f} {found['cpu_p95']:>8.1f} {found['rare_p95']:>9.1f}"
        f" {found['rss']:>7.0f} {size / 1e6:>7.0f}",
        flush=True,
    )


def files_of(target: Path) -> list[Path]:
    return [path for path in target.rglob("*") if path.is_file()] if target.is_dir() else [target]


def allocated(path: Path) -> int:
    """Return the bytes that a file takes up on the disk; 0 if it no longer exists."""
    try:
        return path.stat().st_blocks * 512
    except OSError:
        return 0


def size_of(target: Path) -> int:
    return sum(path.stat().st_size for path in files_of(target))


def remove(target: Path) -> None:
    shutil.rmtree(target) if target.is_dir() else target.unlink()


def forget(target: Path) -> bool:
    """Drop files from the page cache, and return whether the system can do that."""
    if not hasattr(os, "posix_fadvise"):
        return False
    for path in files_of(target):
        with path.open("r+b") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return True


def slow_address(address: str) -> tuple[str, list[int]]:
    """Return an address whose answers are delayed, and a list that gets the bytes of each."""
    import fsspec
    from fsspec.implementations.local import LocalFileSystem

    protocol, _, path = address.partition("://")
    read: list[int] = []

    class Slow(LocalFileSystem):
        protocol = "slow"

        @classmethod
        def _strip_protocol(cls, path: str) -> str:
            return str(super()._strip_protocol(path.removeprefix("slow://")))

        def cat_file(self, path: str, start: int | None = None, end: int | None = None) -> bytes:
            time.sleep(int(protocol.removeprefix("slow")) / 1000)
            with open(self._strip_protocol(path), "rb") as file:  # noqa: PTH123
                file.seek(start or 0)
                data = file.read() if end is None else file.read(end - (start or 0))
            read.append(len(data))
            return data

    fsspec.register_implementation("slow", Slow)
    return f"slow://{path}", read


def measure_import(table: Path, target: str) -> dict[str, Any]:
    from recommender import import_file

    most, over = [0], Event()

    def watch() -> None:
        while not over.wait(1):
            used = sum(map(allocated, files_of(table.parent)))
            most[0] = max(most[0], used - allocated(table))

    watching = Thread(target=watch)
    watching.start()
    start = time.perf_counter()
    import_file(table, target)
    seconds = time.perf_counter() - start
    over.set()
    watching.join()
    return {"seconds": seconds, "disk": most[0] / 1e6}


def measure_ours(path: str, calls: int) -> dict[str, Any]:
    from recommender import INTENTS, Catalog, Mood, Recommender

    read: list[int] = []
    if path.startswith("slow"):
        path, read = slow_address(path)
    start = time.perf_counter()
    with Catalog.open(path) as catalog:
        recommender = Recommender(catalog)
        opened = time.perf_counter() - start
        asked = itertools.cycle(itertools.product(MOODS, INTENTS, GENRES))

        def playlist(seed: int) -> bool:
            (valence, arousal), intent, genres = next(asked)
            recommender.recommend(Mood(valence, arousal), intent=intent, genres=genres, seed=seed)
            return genres == (RARE,)

        found = summed_up(opened, timed(playlist, calls))
        return found | {"reads": len(read) / calls, "kb": sum(read) / calls / 1000}


def measure_pandas(path: Path, calls: int) -> dict[str, Any]:
    import pandas as pd

    from recommender import INTENTS, Mood
    from recommender.journey import plan, target_for

    start = time.perf_counter()
    used = ["track_id", "track_name", "artists", "track_genre", "valence", "energy", "popularity"]
    frame = pd.read_csv(path, usecols=used)
    valence_rank = (frame.valence.rank(pct=True) * 2 - 1).rename("valence_rank")
    energy_rank = (frame.energy.rank(pct=True) * 2 - 1).rename("energy_rank")
    frame = pd.concat([frame, valence_rank, energy_rank], axis=1)
    opened = time.perf_counter() - start
    asked = itertools.cycle(itertools.product(MOODS, INTENTS, GENRES))

    def candidates(seed: int) -> bool:
        """The candidates only; nothing is ranked, mixed or explained."""
        (valence, arousal), intent, genres = next(asked)
        mood = Mood(valence, arousal)
        end = mood if intent == "match" else target_for(mood, intent)
        part = frame[frame.track_genre.isin(genres)] if genres else frame
        rows: set[int] = set()
        slots = plan(mood, intent, 20, target=end)
        for place in {*slots[::2], slots[-1]}:
            across, along = part.valence_rank - place.valence, part.energy_rank - place.arousal
            away = np.sqrt(across**2 + along**2) - 0.1 * part.popularity / 100
            rows.update(away.nsmallest(60).index)
        frame.loc[sorted(rows)].to_dict("records")
        return genres == (RARE,)

    return summed_up(opened, timed(candidates, calls))


def timed(call: Callable[[int], bool], calls: int) -> Iterator[tuple[float, float, bool]]:
    """Yield each call's elapsed and processor time in ms, and whether it was for the rare genre."""
    for seed in range(calls):
        start, worked = time.perf_counter(), time.process_time()
        rare = call(seed)
        yield (
            (time.perf_counter() - start) * 1000,
            (time.process_time() - worked) * 1000,
            rare,
        )


def summed_up(opened: float, taken: Iterator[tuple[float, float, bool]]) -> dict[str, Any]:
    (first, *_), *rest = taken
    usual = [ms for ms, _, _ in rest]
    rare = [ms for ms, _, is_rare in rest if is_rare]
    p50, p95 = np.percentile(usual, [50, 95])
    return {
        "opened": opened * 1000,
        "first": first,
        "p50": float(p50),
        "p95": float(p95),
        "slowest": max(usual),
        "cpu_p95": float(np.percentile([cpu for _, cpu, _ in rest], 95)),
        "rare_p95": float(np.percentile(rare, 95)),
        "calls": len(usual),
    }


def peak() -> float:
    """Return the most memory that this process held, in MB (Linux counts in KB, macOS in B)."""
    about = Path("/proc/self/status")
    if about.exists():  # `getrusage` reports at least what the parent held
        held = about.read_text().partition("VmHWM:")[2].split()[0]
        return int(held) / 1e3
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e6 if sys.platform == "darwin" else 1e3)


def draw(figures: list[dict[str, Any]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib import ticker

    ink, pale = "#1D1419", "#8B7D83"
    picture, (times, memory) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for key, label, color in (("file", "Affectune", ink), ("pandas", "pandas scan", pale)):
        known = [figure for figure in figures if key in figure]
        rows = [figure["rows"] for figure in known]
        for axes, what in ((times, "p95"), (memory, "rss")):
            if rows:
                axes.plot(rows, [figure[key][what] for figure in known], "o-", color=color)
                axes.annotate(
                    label,
                    (rows[-1], known[-1][key][what]),
                    xytext=(-8, 0),
                    textcoords="offset points",
                    ha="right",
                    va="bottom",
                    color=color,
                )
    asked = [
        (figure["rows"], LIMITS[figure["rows"]]) for figure in figures if figure["rows"] in LIMITS
    ]
    for rows, limit in asked:
        times.plot(rows, limit, "_", color=ink, markersize=18)
        times.annotate(
            "wanted",
            (rows, limit),
            xytext=(11, 0),
            textcoords="offset points",
            va="center",
            annotation_clip=False,
            size="small",
            color=ink,
        )
    sizes = [figure["rows"] for figure in figures]
    for axes, what in (
        (times, "milliseconds, 95 of 100 playlists are done within"),
        (memory, "megabytes"),
    ):
        axes.set(xscale="log", yscale="log", xlabel="tracks in the catalogue", title=what)
        axes.set_xlim(min(sizes) / 1.4, max(sizes) * 1.8)
        axes.xaxis.set_major_locator(ticker.FixedLocator(sizes))
        axes.xaxis.set_minor_locator(ticker.NullLocator())
        axes.xaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(ticker.NullLocator())
        axes.yaxis.set_major_formatter(ticker.StrMethodFormatter("{x:,.0f}"))
        axes.spines[["top", "right"]].set_visible(False)
    picture.savefig(path)


if __name__ == "__main__":
    main()
