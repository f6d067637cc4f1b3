"""What hostile images and ordinary photos cost to read: processor time and memory.

    .venv/bin/python -m benchmarks.picture_limits [--json] [--attacks]

Every file is built and read in a process of its own (Linux and macOS). The memory is the peak
beyond what the process held before it read the image; an ordinary photo is the first row.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.hostile_pictures import ATTACKS, encoded
from emotion.image.decoding import ImageError, decode_image

BYTES_PER_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def photo(width: int, height: int, *, progressive: bool = False, kind: str = "JPEG") -> bytes:
    """Return an image with the detail of a photo: soft shapes under the noise of a sensor."""
    random = np.random.default_rng(1)
    tile = random.normal(128, 12, (512, 512, 3)).clip(0, 255).astype(np.uint8)
    shapes = Image.fromarray(random.integers(0, 256, (12, 16, 3), dtype=np.uint8))
    soft = shapes.resize((width, height), Image.Resampling.BILINEAR)
    noise = np.tile(tile, (height // 512 + 1, width // 512 + 1, 1))[:height, :width]
    pixels = Image.blend(soft, Image.fromarray(noise), 0.3)
    if kind == "HEIC":
        import io

        import pillow_heif

        buffer = io.BytesIO()
        pillow_heif.from_pillow(pixels).save(buffer, quality=40, enc_params={"preset": "ultrafast"})
        return buffer.getvalue()
    return encoded(pixels, kind, quality=75, **({"progressive": True} if progressive else {}))


ORDINARY: dict[str, Callable[[], bytes]] = {
    "JPEG, 12 MP": lambda: photo(4000, 3000),
    "JPEG, 12 MP, progressive": lambda: photo(4000, 3000, progressive=True),
    "JPEG, 48 MP": lambda: photo(8000, 6000),
    "JPEG, 48 MP, progressive": lambda: photo(8000, 6000, progressive=True),
    "JPEG, 108 MP": lambda: photo(12_000, 9000),
    "JPEG, 108 MP, progressive": lambda: photo(12_000, 9000, progressive=True),
    "HEIC, 12 MP": lambda: photo(4000, 3000, kind="HEIC"),
    "HEIC, 48 MP": lambda: photo(8000, 6000, kind="HEIC"),
}


def in_child(job: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what ``job`` returns in a forked process."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            answer = job()
        except BaseException as error:  # the child must not go on with its parent's work
            answer = {"said": f"{type(error).__name__}: {error}", "seconds": 1e9, "megabytes": 1e9}
        os.write(writing, json.dumps(answer).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = json.loads(pipe.read() or b"null")
    os.waitpid(child, 0)
    return answer or {"said": "the process died", "seconds": 1e9, "megabytes": 1e9}


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * BYTES_PER_RSS_UNIT / 1e6


def cost(path: Path) -> dict[str, Any]:
    """Read the image at ``path`` and return what it cost."""
    before, began = peak_megabytes(), time.process_time()
    data = path.read_bytes()
    try:
        pixels = decode_image(data)
        said = f"{pixels.shape[1]} × {pixels.shape[0]}"
    except ImageError as error:
        said = str(error)
    return {
        "kilobytes": len(data) / 1e3,
        "seconds": time.process_time() - began,
        "megabytes": peak_megabytes() - before,
        "said": said,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--attacks", action="store_true", help="leave out all photos but the first")
    options = parser.parse_args()
    names = list(ORDINARY)[: 1 if options.attacks else None]
    builders = {name: ORDINARY[name] for name in names} | ATTACKS
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, build) in enumerate(builders.items()):
            path = Path(folder, str(number))
            built = in_child(lambda path=path, build=build: {"bytes": path.write_bytes(build())})
            rows[name] = in_child(lambda path=path: cost(path)) if "bytes" in built else built
            path.unlink(missing_ok=True)
    if options.json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| picture | kB | core seconds | MB | result |\n|---|---|---|---|---|")
    for name, row in rows.items():
        numbers = f"{row.get('kilobytes', 0):,.0f} | {row['seconds']:.2f} | {row['megabytes']:.0f}"
        reason = row["said"].partition(": ")[2].partition(". ")[0].partition(", ")[0]
        print(f"| {name} | {numbers} | {f'refused: {reason}' if reason else row['said']} |")


if __name__ == "__main__":
    main()
