"""``python -m model COMMAND``: how the network is made, measured and written about."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

# TensorFlow's start-up chatter hides the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# TensorFlow leaves oneDNN off where a CPU has no AVX-512; training takes 2.5 times as long without.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

COMMANDS = {
    "train": "train a network, or resume a run",
    "imagenet": "write the initial weights of the larger network, pretrained on ImageNet",
    "faceres": "write the initial weights of MobileNet, pretrained on faces",
    "people": "fit the second head, for people in front of cameras, on labelled photographs",
    "restore": "restore a formerly shipped network as a run",
    "recipe": "train large teachers on a GPU, then distil the small network from them",
    "pack": "pack FER-2013 for upload to a machine that trains",
    "export": "calibrate a run's best network and ship it",
    "evaluate": "measure a network on a test split, or on labelled photographs",
    "robustness": "measure accuracy on corrupted images: rotated, blurred, noisy, dark, …",
    "localization": "measure the accuracy that is lost between a photo and the crop",
    "resting": "measure how a typical neutral face is read, to re-centre visitors' readings on it",
    "compare": "compare with classical features, and with PyPI's fer",
    "experiments": "summarize the settings and results of every run",
    "card": "write the model card from the records",
    "notebooks": "execute the notebooks",
}
MODULES = {
    "train": "model.training.train",
    "imagenet": "model.networks.imagenet",
    "faceres": "model.networks.faceres",
    "people": "model.training.people",
    "restore": "model.training.restore",
    "recipe": "model.training.recipe",
    "pack": "model.data.pack",
    "export": "model.training.export",
    "evaluate": "model.evaluation.evaluate",
    "robustness": "model.evaluation.robustness",
    "localization": "model.evaluation.localization",
    "resting": "model.training.resting",
    "compare": "model.evaluation.compare",
    "experiments": "model.reporting.experiments",
    "card": "model.reporting.card",
    "notebooks": "model.reporting.notebooks",
}
RENAMED = {"placement": "localization"}
"""Former names of commands, accepted until the version after 0.1."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    given[:1] = [RENAMED.get(name, name) for name in given[:1]]
    parser = argparse.ArgumentParser(
        prog="python -m model",
        description="Makes the network, measures it, and writes about it.",
    )
    parsers = parser.add_subparsers(dest="command", required=True)
    expand = None
    for name, what in COMMANDS.items():
        command = parsers.add_parser(name, help=what)
        # Keras takes seconds to import, and most commands do not need it.
        if name in given[:1]:
            module = importlib.import_module(MODULES[name])
            module.add_arguments(command)
            if hasattr(module, "expand"):  # options that stand for several others
                expand = partial(module.expand, parser=command)
    try:
        if expand:
            given[1:] = expand(given[1:])
        chosen = parser.parse_args(given)
        found = module.run(chosen)
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except TimeoutError as error:
        print(error, file=sys.stderr)
        return 3
    if isinstance(found, dict):
        print(json.dumps(found, indent=2) if chosen.json else module.as_text(found))
    else:
        for path in [found] if isinstance(found, Path) else found:
            print(f"Done: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
