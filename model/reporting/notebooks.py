"""The notebooks: their style, and the command that executes them in place.

``python -m model notebooks --data fer2013.zip --votes ferplus_votes.csv`` runs every notebook
of ``notebooks/`` from the repository's root and writes the outputs back into its file.
"""

from __future__ import annotations

import argparse
import base64
import io
import os
import re
import tempfile
import time
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion.labels import EMOTIONS
from model import options
from model.data.fer2013 import data_path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
THEME = ROOT / ".streamlit" / "config.toml"
COLORMAP = "affectune"
DOTS_PER_INCH = 100
SECONDS_A_CELL = 600
MOST_BYTES = 3_000_000
"""Largest size of an executed notebook."""

NEEDS_DATA = ("01", "02")
"""The notebooks that read FER-2013."""

_MACHINE_PATH = re.compile(
    r"(?<![\w./~-])/(?:home|root|Users|work|tmp|private|usr|opt|var|mnt|media|srv)/[^\s'\"<>,]+"
    r"|\b[A-Z]:\\{1,2}[^\s'\"<>,]+"
)


class NotebookError(ValueError):
    """A notebook failed, or its outputs must not be committed."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    add = parser.add_argument
    options.add_data(parser)
    options.add_votes(
        parser, "shown beside the labels (default: the environment variable FERPLUS_PATH)"
    )
    add("--only", nargs="+", metavar="NUMBER", help="01, 02 or 03; all of them by default")
    add("--check", action="store_true", help="execute, but leave the files as they are")


def run(arguments: argparse.Namespace) -> list[Path]:
    """Execute the notebooks as the command line asks and return their files.

    Raises:
        FileNotFoundError: FER-2013 or the votes are not where they were said to be.
        ValueError: there is no notebook of that number.
        NotebookError: a cell failed, an output names a place on this machine, or the file would
            be too large. Files that were executed before stay written; this one is left alone.
    """
    chosen = find_notebooks(arguments.only)
    environment = _environment(arguments.data, arguments.votes, chosen)
    for path in chosen:
        begin = time.perf_counter()
        text = execute(path, environment)
        if not arguments.check:
            replace_file(path, text)
        seconds, kilobytes = time.perf_counter() - begin, len(text.encode()) / 1000
        print(f"{path.name}: {seconds:.0f} s, {kilobytes:,.0f} kB", flush=True)
    return chosen


def find_notebooks(only: Sequence[str] | None = None, *, folder: Path = FOLDER) -> list[Path]:
    """Return the notebooks of a folder in the order of their numbers.

    Args:
        only: the numbers that their names begin with; all notebooks by default.
        folder: where they are.

    Raises:
        ValueError: no notebook has one of the numbers.
    """
    found = {path.name.split("_")[0]: path for path in sorted(folder.glob("[0-9]*.ipynb"))}
    for number in only or ():
        if number not in found:
            raise ValueError(
                f"Incorrect value for 'only' argument: {number!r}: one of {', '.join(found)}"
            )
    return [path for number, path in found.items() if not only or number in only]


def execute(path: Path, environment: Mapping[str, str]) -> str:
    """Execute a notebook from the repository's root and return it with its outputs.

    Args:
        path: an ``.ipynb`` file; it is read only.
        environment: every environment variable of the kernel.

    Returns:
        The notebook's JSON, without what differs from run to run and from machine to machine.

    Raises:
        NotebookError: as `run` says.
    """
    import nbclient
    import nbformat
    from traitlets.config import Config

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    with tempfile.TemporaryDirectory() as profile:
        manager = {"connection_file": f"{profile}/kernel.json"}
        if os.name == "posix":
            manager["transport"] = "ipc"  # others on this machine could connect to a TCP port
        client = nbclient.NotebookClient(
            notebook,
            config=Config({"KernelManager": manager}),
            kernel_name="python3",
            timeout=SECONDS_A_CELL,
            record_timing=False,
            resources={"metadata": {"path": str(ROOT)}},
        )
        try:
            # A profile of its own: no startup files run, no history is written.
            client.execute(env={**environment, "IPYTHONDIR": profile})
        except nbclient.exceptions.CellExecutionError as error:
            raise NotebookError(_what_failed(path, notebook, error)) from None
        except (nbclient.exceptions.DeadKernelError, TimeoutError) as error:
            raise NotebookError(f"{path.name}: {error}") from error
    tidy(notebook)
    text = f"{nbformat.writes(notebook)}\n"  # type: ignore[no-untyped-call]
    if places := machine_paths(notebook):
        raise NotebookError(f"{path.name} names places on this machine: {', '.join(places)}")
    if len(text.encode()) > MOST_BYTES:
        raise NotebookError(
            f"{path.name} has {len(text.encode()):,} bytes; {MOST_BYTES:,} are allowed"
        )
    return text


def tidy(notebook: Any) -> None:
    """Drop from an executed notebook what would differ although nothing changed.

    These are the versions of Python and the kernel, and what libraries print on stderr.
    """
    notebook["metadata"] = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"file_extension": ".py", "name": "python"},
    }
    for cell in notebook["cells"]:
        cell["metadata"].pop("execution", None)
        if cell["cell_type"] == "code":
            cell["outputs"] = [out for out in cell["outputs"] if out.get("name") != "stderr"]


def machine_paths(notebook: Any) -> list[str]:
    """Return the absolute paths that a notebook's cells and outputs name; images are skipped."""
    texts: list[str] = []
    for cell in notebook["cells"]:
        texts.append(_joined(cell["source"]))
        for output in cell.get("outputs", ()):
            texts.append(_joined(output.get("text", "")))
            texts.extend(
                _joined(content)
                for kind, content in output.get("data", {}).items()
                if not kind.startswith("image/")
            )
    return sorted({found for text in texts for found in _MACHINE_PATH.findall(text)})


def replace_file(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        draft = Path(folder) / path.name
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)


def _environment(data: str | None, votes: str | None, chosen: Sequence[Path]) -> dict[str, str]:
    """Return the kernels' environment variables, every path in them absolute."""
    environment = {name: value for name, value in os.environ.items() if name != "FERPLUS_PATH"}
    environment["TF_CPP_MIN_LOG_LEVEL"] = "3"
    before = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = f"{ROOT}{os.pathsep}{before}" if before else str(ROOT)
    if any(path.name.startswith(NEEDS_DATA) for path in chosen):
        environment["FER2013_PATH"] = str(data_path(data).absolute())
    if place := votes or os.environ.get("FERPLUS_PATH"):
        if not Path(place).is_file():
            raise FileNotFoundError(f"There are no FER+ votes at {place}")
        environment["FERPLUS_PATH"] = str(Path(place).absolute())
    return environment


def _what_failed(path: Path, notebook: Any, error: Any) -> str:
    """Return which cell failed, what it says and how it failed."""
    number, source = next(
        (
            (number, cell["source"])
            for number, cell in enumerate(notebook["cells"], start=1)
            if any(out["output_type"] == "error" for out in cell.get("outputs", ()))
        ),
        (0, ""),
    )
    code = "\n".join(f"    {line}" for line in source.splitlines())
    return f"{path.name}: cell {number} failed with {error.ename}: {error.evalue}\n\n{code}"


def _joined(text: Any) -> str:
    return "".join(text) if isinstance(text, list) else str(text)


# What the notebooks themselves import: one style, and no figure without a description.


def use_notebook_style() -> dict[str, str]:
    """Style figures and tables like the app's light theme, and return emotion → colour.

    The colours are those of the app's theme; `COLORMAP` runs from its paper to its plum.
    """
    import matplotlib
    import pandas
    from cycler import cycler
    from matplotlib import colors, pyplot

    theme = tomllib.loads(THEME.read_text(encoding="utf-8"))["theme"]["light"]
    paper, ink, line = theme["backgroundColor"], theme["textColor"], theme["borderColor"]
    emotions = dict(zip(EMOTIONS, theme["chartCategoricalColors"], strict=True))
    ramp = colors.LinearSegmentedColormap.from_list(COLORMAP, [paper, theme["primaryColor"]])
    matplotlib.colormaps.register(ramp, force=True)
    pyplot.rcParams.update(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": line,
            "axes.facecolor": paper,
            "axes.grid": True,
            "axes.labelcolor": theme["grayTextColor"],
            "axes.prop_cycle": cycler(color=[theme["primaryColor"], *emotions.values()]),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlecolor": ink,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "axes.titleweight": "bold",
            "figure.constrained_layout.use": True,
            "figure.dpi": DOTS_PER_INCH,
            "figure.facecolor": paper,
            "font.size": 9.5,
            "grid.color": line,
            "grid.linewidth": 0.6,
            "image.cmap": COLORMAP,
            "legend.frameon": False,
            "text.color": ink,
            "xtick.color": theme["grayTextColor"],
            "ytick.color": theme["grayTextColor"],
        }
    )
    pandas.set_option("display.max_colwidth", None)
    return emotions


def show(figure: Any, text: str) -> None:
    """Display a figure with a description: as the image's alternative text, and below it.

    Args:
        figure: a matplotlib figure; it is closed.
        text: what it shows, with the figures that matter, for those who do not see it.
    """
    from matplotlib import pyplot

    image = io.BytesIO()
    # Without the version of matplotlib, which would change every image with every release.
    figure.savefig(image, format="png", dpi=DOTS_PER_INCH, metadata={"Software": None})
    pyplot.close(figure)
    content = base64.b64encode(image.getvalue()).decode("ascii")
    _publish({"image/png": content, "text/plain": text}, {"image/png": {"alt": text}})
    say(f"*{text}*")


def say(text: str) -> None:
    """Display Markdown whose numbers were computed in the cell."""
    _publish({"text/markdown": text, "text/plain": text}, {})


def _publish(content: dict[str, str], metadata: dict[str, Any]) -> None:
    from IPython.display import publish_display_data

    publish_display_data(content, metadata)  # type: ignore[no-untyped-call]


def draw_matrix(
    axis: Any, counts: NDArray[Any], *, rows: Sequence[str], columns: Sequence[str]
) -> None:
    """Draw a confusion matrix, each row as fractions of itself in percent.

    Args:
        axis: the matplotlib axis to draw on.
        counts: ``(rows, columns)``, 0 or more. A row without any is drawn empty.
        rows: the names of the rows.
        columns: the names of the columns.
    """
    fractions = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axis.imshow(fractions, cmap=COLORMAP, vmin=0, vmax=1, aspect="auto")
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.set_xticks(range(len(columns)), columns)
    axis.set_yticks(range(len(rows)), rows)
    axis.tick_params(length=0)
    for (row, column), fraction in np.ndenumerate(fractions):
        axis.text(
            column,
            row,
            f"{fraction:.0%}",
            ha="center",
            va="center",
            color="white" if fraction > 0.5 else "black",
            fontsize=8.5,
        )
