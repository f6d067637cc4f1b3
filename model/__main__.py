"""``python -m model train|evaluate|export``: how the network is made and measured."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

# TensorFlow's start-up chatter hides the progress bar.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m model", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train a network; goes on where it stopped")
    evaluate = commands.add_parser("evaluate", help="measure a network on a test split")
    export = commands.add_parser("export", help="make a run's best network the shipped one")

    from model import evaluate as evaluation

    evaluation.add_arguments(evaluate)
    # Keras takes seconds to import and `evaluate` does not need it.
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] != ["evaluate"]:
        from model import export as exporting
        from model import train as training

        training.add_arguments(train)
        exporting.add_arguments(export)
    chosen = parser.parse_args(given)
    try:
        if chosen.command == "train":
            print(f"Done: {training.train(chosen)}")
        elif chosen.command == "export":
            print(f"Done: {exporting.run(chosen)}")
        else:
            metrics = evaluation.run(chosen)
            print(json.dumps(metrics, indent=2) if chosen.json else evaluation.as_text(metrics))
    except (FileNotFoundError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
