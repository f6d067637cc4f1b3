"""Parts of other packages that those packages do not offer as part of their API.

``tests/model/test_compat.py`` fails when one of them is gone.

- Keras >=3.6,<4, the averaged weights of an optimizer with ``use_ema``, which Keras copies into the
  network only at the end of training or every N steps:
  https://github.com/keras-team/keras/blob/v3.15.1/keras/src/optimizers/base_optimizer.py
- TensorFlow >=2.21,<3, reading and writing LiteRT files as objects, which the ai-edge-litert
  package does not do: https://github.com/tensorflow/tensorflow/tree/v2.21.0/tensorflow/lite/tools
- Python >=3.11, the options that an argparse parser has:
  https://github.com/python/cpython/blob/3.11/Lib/argparse.py

What `model.evaluation.fer_package` uses of PyPI's fer runs in that package's own Python and is
therefore written there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def averaged_weights(optimizer: Any) -> Sequence[Any]:
    """Return the moving averages of the trainable weights that a Keras optimizer keeps."""
    averages: Sequence[Any] = optimizer._model_variables_moving_average
    return averages


def read_litert(file: Path) -> Any:
    """Return a LiteRT file as an object of TensorFlow Lite's schema, ``ModelT``."""
    from tensorflow.lite.tools import flatbuffer_utils

    return flatbuffer_utils.read_model(str(file))


def write_litert(model: Any, file: Path) -> None:
    """Write an object of `read_litert` into a LiteRT file."""
    from tensorflow.lite.tools import flatbuffer_utils

    flatbuffer_utils.write_model(model, str(file))


def is_int8(tensor: Any) -> bool:
    """Return whether a tensor of `read_litert` holds 8-bit integers."""
    from tensorflow.lite.python import schema_py_generated

    return bool(tensor.type == schema_py_generated.TensorType.INT8)


def option_flags(parser: argparse.ArgumentParser) -> dict[str, str]:
    """Return the flag of each option of a parser by its ``dest``: batch_size, "--batch-size"."""
    return {
        action.dest: action.option_strings[-1]
        for action in parser._actions
        if action.option_strings
    }
