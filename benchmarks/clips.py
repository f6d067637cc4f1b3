"""How fast clips are read: against PyPI's `fer`, by the number of workers, and by their length.

    python benchmarks/clips.py [--seconds 20] [--minutes 4 40] [--workers 1 2] [--fer PYTHON]
    python benchmarks/clips.py --press press_faces.zip

The clip is made here from the astronaut that scikit-image ships: she moves about and changes her
expression, 640 x 480 at 30 frames a second. Frames a second count every frame of the clip, read or
skipped; `fer` analyses every n-th frame with its own video analysis, as many a second as we do.
Each length is measured in a process of its own: its peak memory, and how long it took. `--fer`
names a Python that can import PyPI's `fer`, which needs packages of its own. `--press` takes
photographs of different people, as `benchmarks/emotion_detectors.py` does, and prints how often a
person is re-identified after a turn of up to 12 degrees, at another size and place, and with 15 %
more or less light; and how often two people are taken for one.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from emotion import Box, Face, decode_image
from emotion.clips.identity import appearance, same_face
from emotion.crop import crop_region
from emotion.detectors.blazeface import BlazefaceDetector
from tests.browser.clips import HEIGHT, RATE, WIDTH, astronaut, changing, moved

ROOT = Path(__file__).parents[1]
LONG_RATE = 10
"""Frames a second of the long clips; as many instants a second are read as from other clips."""
LOOP_SECONDS = 10
"""A long clip is a loop of this length."""
AT_MOST_MB, APART_MB = 600, 100
"""Memory that a clip may take, and that a long one may take beyond a short one, in MB."""
FER = """
import contextlib, io, json, sys, time
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    from fer.fer import FER
    from fer.classes import Video
    detector = FER()
    begun = time.perf_counter()
    video = Video(sys.argv[1], outdir=sys.argv[2])
    found = video.analyze(
        detector, display=False, save_frames=False, save_video=False, annotate_frames=False,
        zip_images=False, frequency=int(sys.argv[3]), lang="en", include_audio=False,
    )
    seconds = time.perf_counter() - begun
with_face = sum(1 for row in found if any(key.startswith("box") for key in row))
print(json.dumps({"seconds": seconds, "found": with_face}))
"""


WAIT = """
import json, os, subprocess, sys
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(json.dumps({"status": status, "memory": usage.ru_maxrss * 1024}))
"""
"""Runs a command from a process that holds next to nothing: Linux counts what a process held before
it became the command, which is as much as its parent."""


def write(path: Path, frames: Iterator[NDArray[np.uint8]], rate: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def swaying() -> Iterator[NDArray[np.uint8]]:
    """Yield `LOOP_SECONDS` of the astronaut moving, to be repeated."""
    picture = astronaut()
    return (moved(picture, number / LONG_RATE) for number in range(LOOP_SECONDS * LONG_RATE))


def repeat(clip: Path, path: Path, times: int) -> Path:
    """Write a clip several times over, without encoding it again."""
    with av.open(str(clip)) as source, av.open(str(path), "w") as container:
        video = source.streams.video[0]
        stream = container.add_stream_from_template(video)
        packets = [packet for packet in source.demux(video) if packet.pts is not None]
        length = round(LOOP_SECONDS / video.time_base)
        for number in range(times):
            for packet in packets:
                copy = av.Packet(bytes(packet))
                copy.pts, copy.dts = packet.pts + number * length, packet.dts + number * length
                copy.time_base, copy.duration = packet.time_base, packet.duration
                copy.is_keyframe, copy.stream = packet.is_keyframe, stream
                container.mux(copy)
    return path


def read(paths: list[Path], out: Path, *options: str) -> tuple[float, int]:
    """Run the command line, and return its seconds and the most memory it held, in bytes."""
    command = [sys.executable, "-m", "emotion", *map(str, paths), "--csv", str(out), *options]
    begun = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-S", "-c", WAIT, *command], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    took, said = time.perf_counter() - begun, json.loads(done.stdout)
    assert said["status"] == 0, f"{command} ended with {said['status']}"
    return took, said["memory"]


def beside_fer(clip: Path, folder: Path, python: str | None, seconds: float) -> dict[str, Any]:
    """Read one clip with both libraries, by calling them, so that starting up does not count."""
    from emotion import EmotionClassifier, read_clip

    classifier = EmotionClassifier()
    next(read_clip(clip, classifier=classifier))  # the networks are loaded
    begun = time.perf_counter()
    instants = list(read_clip(clip, classifier=classifier))
    ours = time.perf_counter() - begun
    frames = round(seconds * RATE)
    row: dict[str, Any] = {
        "instants": len(instants),
        "with a face": sum(1 for instant in instants if instant.faces),
        "frames a second": frames / ours,
    }
    if python is None:
        return {**row, "fer": "not measured: name a Python that can import it with --fer"}
    child = subprocess.run(
        [python, "-c", FER, str(clip), str(folder), str(round(RATE / 5))],
        capture_output=True,
        text=True,
        cwd=folder,
    )
    if child.returncode:
        return {**row, "fer": f"not measured: {child.stderr.strip().splitlines()[-1]}"}
    theirs = json.loads(child.stdout.splitlines()[-1])
    return {
        **row,
        "fer: with a face": theirs["found"],
        "fer: frames a second": frames / theirs["seconds"],
        "times as fast": theirs["seconds"] / ours,
    }


def by_workers(clip: Path, folder: Path, counts: list[int], seconds: float) -> list[dict[str, Any]]:
    """Read eight copies of a clip with each number of processes, starting up included."""
    copies = [folder / f"copy {number}.mp4" for number in range(8)]
    for copy in copies:
        copy.hardlink_to(clip)
    rows = []
    for count in counts:
        took, _ = read(copies, folder / f"{count}.csv", "--workers", str(count))
        rows.append({"workers": count, "frames a second": 8 * seconds * RATE / took})
    tables = {(folder / f"{count}.csv").read_bytes() for count in counts}
    assert len(tables) == 1, "the table depends on the number of workers"
    return rows


def by_length(folder: Path, minutes: list[float]) -> list[dict[str, Any]]:
    loop = write(folder / "loop.mp4", swaying(), LONG_RATE)
    rows = []
    for length in minutes:
        times = max(1, round(60 * length / LOOP_SECONDS))
        clip = repeat(loop, folder / f"{length:g} minutes.mp4", times)
        seconds = times * LOOP_SECONDS
        took, memory = read([clip], folder / f"{length:g}.csv", "--workers", "1")
        rows.append(
            {
                "minutes": seconds / 60,
                "frames a second": seconds * LONG_RATE / took,
                "times as fast as it plays": seconds / took,
                "rows": len((folder / f"{length:g}.csv").read_bytes().splitlines()) - 1,
                "MB at most": memory / 1e6,
            }
        )
        clip.unlink()
    held = [row["MB at most"] for row in rows]
    fits = max(held) <= AT_MOST_MB and max(held) - min(held) <= APART_MB
    rows.append(
        {"memory": f"{'ok' if fits else 'MISSED'} (at most {AT_MOST_MB}, {APART_MB} apart)"}
    )
    return rows


def reidentified(photographs: Path, count: int = 120) -> dict[str, Any]:
    """Compare the small pictures by which a face that returns is re-identified."""
    rng = np.random.default_rng(1)
    detector = BlazefaceDetector()
    looks, same = [], []
    with zipfile.ZipFile(photographs) as archive:
        names = [name for name in archive.namelist() if name.lower().endswith(".jpg")]
        for name in rng.permutation(names)[:count]:
            image = decode_image(archive.read(str(name)))
            height, width = image.shape[:2]
            turn = cv2.getRotationMatrix2D(
                (width / 2, height / 2), rng.uniform(-12, 12), rng.uniform(0.75, 1.2)
            )
            turn[:, 2] += rng.uniform(-0.05, 0.05, 2) * (width, height)
            later = cv2.warpAffine(image, turn, (width, height), borderMode=cv2.BORDER_REFLECT)
            later = np.clip(later * rng.uniform(0.85, 1.15), 0, 255).astype(np.uint8)
            before, after = detector.detect(image), detector.detect(later)
            if before and after:
                looks.append(look_of(image, before[0]))
                same.append(same_face(looks[-1], look_of(later, after[0])))
    pairs = [same_face(one, other) for one, other in itertools.combinations(looks, 2)]
    return {
        "people": len(looks),
        "re-identified, %": 100 * float(np.mean(same)),
        "two taken for one, %": 100 * float(np.mean(pairs)),
    }


def look_of(image: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
    region = crop_region(face)
    left, top = round(region.x - region.side / 2), round(region.y - region.side / 2)
    return appearance(image, Box(left, top, round(region.side), round(region.side)))


def show(title: str, rows: list[dict[str, Any]]) -> None:
    print(f"\n{title}", flush=True)
    for row in rows:
        figures = (f"{k} {v:,.1f}" if isinstance(v, float) else f"{k} {v}" for k, v in row.items())
        print("  " + " · ".join(figures), flush=True)


def as_markdown(
    beside: dict[str, Any], workers: list[dict[str, Any]], lengths: list[dict[str, Any]]
) -> str:
    """Return the results as tables for `benchmarks/README.md`."""
    lines = ["| one clip, five instants a second | frames a second | instants with a face |"]
    lines += ["|---|---|---|"]
    found = f"{beside['with a face']} of {beside['instants']}"
    lines += [f"| Affectune | {beside['frames a second']:,.0f} | {found} |"]
    if "times as fast" in beside:
        found = f"{beside['fer: with a face']} of {beside['instants']}"
        lines += [f"| PyPI's `fer` | {beside['fer: frames a second']:,.0f} | {found} |"]
    if workers:
        lines += ["", "| eight clips, starting up included | frames a second |", "|---|---|"]
        for row in workers:
            processes = "1 process" if row["workers"] == 1 else f"{row['workers']} processes"
            lines += [f"| {processes} | {row['frames a second']:,.0f} |"]
    if lengths:
        lines += ["", "| one clip, 10 frames a second | as fast as it plays | rows | memory |"]
        lines += ["|---|---|---|---|"]
        for row in lengths:
            rows, held = f"{row['rows']:,}", f"{row['MB at most']:.0f} MB"
            times = f"{row['times as fast as it plays']:.1f} times"
            lines += [f"| {row['minutes']:g} minutes | {times} | {rows} | {held} |"]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--minutes", type=float, nargs="*", default=[4, 40])
    parser.add_argument("--workers", type=int, nargs="*", default=[1, os.cpu_count() or 1])
    parser.add_argument("--fer", help="a Python that can import PyPI's fer")
    parser.add_argument("--press", type=Path, help="a zip of photographs of different people")
    options = parser.parse_args()
    if options.press:
        show("Faces that return", [reidentified(options.press)])
        return
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        clip = write(folder / "clip.mp4", changing(options.seconds), RATE)
        beside = beside_fer(clip, folder, options.fer, options.seconds)
        show("One clip", [beside])
        workers: list[dict[str, Any]] = []
        lengths: list[dict[str, Any]] = []
        if options.workers:
            workers = by_workers(clip, folder, options.workers, options.seconds)
            show("Eight clips, starting up included", workers)
        if options.minutes:
            lengths = by_length(folder, options.minutes)
            show("By length", lengths)
        print(f"\n{as_markdown(beside, workers, lengths[:-1])}")


if __name__ == "__main__":
    main()
