"""The learning curves of a run, drawn from its history."""

from __future__ import annotations

import csv
from pathlib import Path


def draw_curves(history: Path, target: Path) -> Path:
    """Draw accuracy and loss of every epoch in ``history.csv`` into a PNG.

    Args:
        history: the csv that `model.training.train` writes, a line an epoch.
        target: the image to write.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with history.open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    epochs = [int(row["epoch"]) + 1 for row in rows]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 4), layout="constrained")
    panels = ((left, "accuracy", "Accuracy"), (right, "loss", "Cross-entropy"))
    for axis, what, title in panels:
        axis.plot(epochs, [float(row[f"logits_{what}"]) for row in rows], label="Training")
        judged = [float(row[f"val_{what}"] or "nan") for row in rows]
        axis.plot(epochs, judged, label="PublicTest, averaged weights")
        axis.set_title(title)
        axis.set_xlabel("epoch")
        axis.grid(alpha=0.3)
    left.legend(frameon=False)
    figure.savefig(target, dpi=110)
    pyplot.close(figure)
    return target
