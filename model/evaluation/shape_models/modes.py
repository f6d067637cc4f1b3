"""What a shape model has learned, as a figure: its mean and its first modes of variation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.interpolate import LinearNDInterpolator

from model.evaluation.shape_models.active_shape import Outline
from model.evaluation.shape_models.appearance import AppearanceModel
from model.evaluation.shape_models.points import Array, PrincipalComponents
from model.palette import INK, PAPER

SHOWN_SD: Final = 2.5
"""Standard deviations either side of the mean that are drawn."""
SIDE_PX: Final = 96
"""Of a drawn face."""


def draw_modes(model: AppearanceModel, outline: Outline, path: Path, *, count: int = 4) -> Path:
    """Draw the first modes of shape, as lines, and of appearance, as images.

    Every face in it is an average: none is that of a person.

    Args:
        model: what to draw.
        outline: which points are joined by lines.
        path: the image to write; its suffix sets the format.
        count: modes, at most.

    Returns:
        The path.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shape, combined = model.shape.components, model.combined
    count = min(count, len(shape.modes), len(combined.modes))
    figure, axes = pyplot.subplots(
        count,
        7,
        figsize=(7.4, 1.06 * count + 0.4),
        width_ratios=[1, 1, 1, 0.22, 1, 1, 1],
        squeeze=False,
        layout="constrained",
        facecolor=PAPER,
    )
    steps = (-SHOWN_SD, 0.0, SHOWN_SD)
    shape_steps = _steps(shape, count, steps)
    combined_steps = _steps(combined, count, steps)
    drawn = [model.shape.shapes(parameters) for parameters in shape_steps]
    drawn += [model.shape.shapes(model.split(parameters)[0]) for parameters in combined_steps]
    extent = 1.04 * max(float(np.abs(shapes).max()) for shapes in drawn)
    for mode, row in enumerate(axes):
        for axis in row:
            axis.set_axis_off()
            axis.set_xlim(-extent, extent)
            axis.set_ylim(0.85 * extent, -0.85 * extent)
            axis.set_aspect("equal")
        for axis, points in zip(row[:3], drawn[mode], strict=True):
            _draw_lines(axis, points, outline)
        for axis, parameters in zip(row[4:], combined_steps[mode], strict=True):
            axis.imshow(
                render(model, parameters[np.newaxis], extent=extent),
                extent=(-extent, extent, extent, -extent),
                cmap="gray",
                vmin=-2.5,
                vmax=2.5,
                interpolation="bilinear",
            )
        for axis, components in ((row[0], shape), (row[4], combined)):
            fraction = components.deviations[mode] ** 2 / components.variance
            axis.set_title(f"{mode + 1}: {fraction:.0%}", fontsize=8, color=INK, loc="left", pad=1)
    for axis, step in zip((*axes[-1][:3], *axes[-1][4:]), (*steps, *steps), strict=True):
        label = f"{step:+.1f} sd".replace("-", "−") if step else "mean"
        axis.text(
            0.5,
            -0.02,
            label,
            fontsize=8,
            color=INK,
            ha="center",
            va="top",
            transform=axis.transAxes,
        )
    for axis, name in ((axes[0][1], "Shape"), (axes[0][5], "Shape and texture")):
        axis.set_title(name, fontsize=9, color=INK, pad=1)
    figure.savefig(path, dpi=110, facecolor=PAPER)
    pyplot.close(figure)
    return path


def render(model: AppearanceModel, combined: Array, *, extent: float) -> Array:
    """Return the face of combined parameters as an image.

    Args:
        model: the appearance model.
        combined: ``(1, C)``.
        extent: half the side of the image, in units of the mean shape, whose norm is 1.

    Returns:
        ``(96, 96)`` normalised intensities, mean 0 and standard deviation 1 over the face, and
        nan outside.
    """
    shape, texture = model.split(combined)
    values = model.texture.reconstruct(texture)[0]
    places = model.frame.weights @ model.shape.shapes(shape)[0]
    line = np.linspace(-extent, extent, SIDE_PX)
    grid = np.stack(np.meshgrid(line, line), axis=-1)
    image = LinearNDInterpolator(places, values)(grid)
    return np.asarray(image, np.float32)


def _steps(components: PrincipalComponents, count: int, steps: Sequence[float]) -> Array:
    """Return parameters ``(count, len(steps), K)``, a mode at a time away from the mean."""
    parameters = np.zeros((count, len(steps), len(components.modes)), np.float32)
    for mode in range(count):
        parameters[mode, :, mode] = np.multiply(steps, components.deviations[mode])
    return parameters


def _draw_lines(axis: Any, points: Array, outline: Outline) -> None:
    lines = np.stack([points, points[outline.after]], axis=1)
    axis.plot(*lines.transpose(2, 1, 0), color=INK, linewidth=1.0, solid_capstyle="round")
