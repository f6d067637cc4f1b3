"""The learning curves of a run, drawn from its history."""

from __future__ import annotations

import csv
from pathlib import Path


def draw_curves(history: Path, target: Path) -> Path:
    """Draw accuracy and loss of every epoch in ``history.csv`` into a PNG.

    Args:
        history: the csv that `model.train` writes, a line an epoch.
        target: the picture to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with history.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    epochs = [int(row["epoch"]) + 1 for row in rows]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    panels = ((left, "accuracy", "Accuracy"), (right, "loss", "Cross-entropy, labels smoothed"))
    for axis, what, title in panels:
        for prefix, label in (
            ("", "Training, augmented"),
            ("val_", "PublicTest, averaged weights"),
        ):
            axis.plot(epochs, [float(row[f"{prefix}logits_{what}"]) for row in rows], label=label)
        axis.set_title(title)
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
    left.legend(frameon=False)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)
    return target
