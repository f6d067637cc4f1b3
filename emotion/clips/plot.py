"""The mood over time as a picture: each face's emotions and valence."""

from __future__ import annotations

import io
import itertools
import os
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont, PngImagePlugin

from emotion.annotation import INK, Colour
from emotion.clips.reader import Outcome
from emotion.clips.rows import rows_of
from emotion.labels import EMOTIONS
from emotion.output import OutputError, is_one_of, on_one_line

MAX_PANELS: Final = 12
"""At most this many faces are drawn: those that were seen at the most instants."""
WIDTH_PX: Final = 1400
MARGIN_PX: Final = 48
AXIS_PX: Final = 88
"""Left of the panels, for the labels of their axes."""
TITLE_PX, EMOTIONS_PX, VALENCE_PX, TIMES_PX, GAP_PX = 40, 150, 96, 30, 22
LEGEND_PX: Final = 96
SUPERSAMPLING: Final = 2
"""Everything is drawn this many times as large first: Pillow does not smooth edges."""
MIN_GAP_SECONDS: Final = 1.0
GAP_STEPS: Final = 3.0
"""A face that was not seen for more than this many seconds, and this many steps between instants,
leaves a gap."""
MIN_SEEN_PX: Final = 3
"""A face that was seen at one instant only is drawn this wide."""

PAPER: Final[Colour] = (255, 251, 247)
RULE: Final[Colour] = (222, 208, 202)
SOFT_INK: Final[Colour] = (96, 84, 90)
ACCENT: Final[Colour] = (122, 53, 96)
COLOURS: Final[dict[str, Colour]] = {
    "angry": (149, 2, 33),
    "disgust": (96, 138, 103),
    "fear": (128, 77, 231),
    "happy": (224, 168, 44),
    "sad": (13, 78, 150),
    "surprise": (206, 110, 66),
    "neutral": (190, 181, 176),
}
SOFTWARE: Final = "Affectune"
"""Written into the file, so that a later run knows that it may replace it."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """What one face of a clip showed.

    Attributes:
        file: the clip.
        face: number of the person in it.
        times: float64 ``(N,)``, seconds, rising.
        probabilities: float64 ``(N, 7)``.
        valence: float64 ``(N,)``, -1 to 1.
    """

    file: str
    face: int
    times: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    valence: NDArray[np.float64]


def timelines(outcomes: Callable[[], Iterable[Outcome]]) -> tuple[list[Timeline], int]:
    """Return what the faces of clips showed, and how many faces are left out.

    Args:
        outcomes: returns those to draw, the same on each call. Photos have no time and are left
            out.
    """
    seen: Counter[tuple[int, int]] = Counter()
    for number, clip in enumerate(outcomes()):
        if clip.kind == "clip":
            seen.update((number, row.face) for row in rows_of(clip.rows))
    chosen = sorted(key for key, _ in seen.most_common(MAX_PANELS))
    found = []
    for number, clip in enumerate(outcomes()):
        numbers = {face: array("d") for at, face in chosen if at == number}
        for row in rows_of(clip.rows) if numbers else ():
            if row.face in numbers:
                numbers[row.face].extend((row.time, *row.scores.probabilities, row.valence))
        for face, values in numbers.items():
            table = np.array(values).reshape(-1, len(EMOTIONS) + 2)
            found.append(
                Timeline(clip.source.name, face, table[:, 0], table[:, 1:-1], table[:, -1])
            )
    return found, len(seen) - len(chosen)


def save_plot(
    lines: Sequence[Timeline],
    left_out: int,
    target: Path,
    *,
    inputs: Sequence[Path],
    overwrite: bool,
) -> None:
    """Draw timelines and save them as PNG.

    Args:
        lines: what to draw, at least one.
        left_out: how many faces are not among them.
        target: the file; one that was made here before is replaced.
        inputs: files that are never written to.
        overwrite: whether any other file may be replaced.

    Raises:
        OutputError: the target is an input, a foreign file, or cannot be written.
    """
    check_plot_target(target, inputs=inputs, overwrite=overwrite)
    about = PngImagePlugin.PngInfo()
    about.add_text("Software", SOFTWARE)
    encoded = io.BytesIO()
    draw_timelines(lines, left_out).save(encoded, "PNG", pnginfo=about, optimize=True)
    try:
        target.write_bytes(encoded.getbuffer())
    except OSError as error:
        raise OutputError(f"{target} cannot be written: {error.strerror or error}") from error


def check_plot_target(target: Path, *, inputs: Sequence[Path], overwrite: bool) -> None:
    """Raise an OutputError unless a plot may be written to ``target``."""
    if is_one_of(target, inputs):
        raise OutputError(f"{target} is one of the files to read: choose another name for --plot")
    if target.suffix.lower() != ".png":
        raise OutputError(f"{target} cannot be written: --plot draws a .png")
    if not target.parent.is_dir():
        raise OutputError(f"{target} cannot be written: there is no folder {target.parent}")
    if not os.access(target if target.exists() else target.parent, os.W_OK):
        raise OutputError(f"{target} cannot be written: it, or its folder, is write-protected")
    if target.exists() and not overwrite and not _is_ours(target):
        raise OutputError(
            f"{target} exists already and is left alone: choose another name, or add --force"
        )


def _is_ours(target: Path) -> bool:
    try:
        with Image.open(target) as image:
            return image.info.get("Software") == SOFTWARE
    except OSError:
        return False


def draw_timelines(lines: Sequence[Timeline], left_out: int = 0) -> Image.Image:
    """Return the picture: a panel for each face, one below the other.

    Args:
        lines: what to draw, at least one.
        left_out: how many faces are not among them, to be stated below the panels.
    """
    panel = TITLE_PX + EMOTIONS_PX + GAP_PX + VALENCE_PX + TIMES_PX + GAP_PX
    foot = MARGIN_PX if left_out else MARGIN_PX // 2
    size = WIDTH_PX, LEGEND_PX + panel * len(lines) + foot
    canvas = _Canvas(size)
    canvas.legend()
    ends: dict[str, float] = {}
    for line in lines:
        ends[line.file] = max(1.0, float(line.times[-1]), ends.get(line.file, 0.0))
    for number, line in enumerate(lines):
        canvas.panel(line, ends[line.file], LEGEND_PX + number * panel)
    if left_out:
        faces = "One more face was" if left_out == 1 else f"{left_out:,} more faces were"
        canvas.text((MARGIN_PX, size[1] - 34), f"{faces} seen, at fewer instants.", 17, SOFT_INK)
    return canvas.finished()


class _Canvas:
    """A picture being drawn. Its methods take pixels of the finished picture."""

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self._image = Image.new("RGB", (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING), PAPER)
        self._draw = ImageDraw.Draw(self._image)

    def finished(self) -> Image.Image:
        return self._image.resize(self.size, Image.Resampling.LANCZOS)

    def text(
        self, place: tuple[float, float], text: str, size: int, colour: Colour, anchor: str = "lm"
    ) -> float:
        """Write text, and return its width."""
        font = ImageFont.load_default(size * SUPERSAMPLING)
        x, y = place
        self._draw.text(
            (x * SUPERSAMPLING, y * SUPERSAMPLING), text, font=font, fill=colour, anchor=anchor
        )
        return font.getlength(text) / SUPERSAMPLING

    def shape(self, points: Sequence[tuple[float, float]], colour: Colour) -> None:
        self._draw.polygon([(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points], fill=colour)

    def line(self, points: Sequence[tuple[float, float]], colour: Colour, width: float) -> None:
        self._draw.line(
            [(x * SUPERSAMPLING, y * SUPERSAMPLING) for x, y in points],
            fill=colour,
            width=round(width * SUPERSAMPLING),
            joint="curve",
        )

    def legend(self) -> None:
        """Write what the colours mean, in the order in which they are stacked."""
        self.text((MARGIN_PX, 36), "Mood over time", 25, INK)
        x = float(MARGIN_PX)
        for name in EMOTIONS:
            self._draw.rounded_rectangle(
                [v * SUPERSAMPLING for v in (x, 62, x + 18, 80)],
                4 * SUPERSAMPLING,
                fill=COLOURS[name],
            )
            x += 26 + self.text((x + 26, 71), name, 17, INK) + 24
        self.line([(x, 71), (x + 26, 71)], ACCENT, 3)
        self.text((x + 34, 71), "valence", 17, INK)

    def panel(self, line: Timeline, end: float, top: float) -> None:
        """Draw one face: its title, its emotions stacked, and its valence.

        Args:
            line: what it showed.
            end: where the panel ends, in seconds: the faces of a clip share one scale.
            top: where the panel begins, in pixels.
        """
        title = self.text((MARGIN_PX, top + 20), f"Face {line.face}", 19, INK)
        room = WIDTH_PX - 2 * MARGIN_PX - title - 16
        name = _shortened(on_one_line(line.file), lambda t: self._width(t, 17), room)
        self.text((MARGIN_PX + title + 16, top + 20), name, 17, SOFT_INK)

        left, right = MARGIN_PX + AXIS_PX, WIDTH_PX - MARGIN_PX
        across = np.interp(line.times, (0.0, end), (left, right))
        high = top + TITLE_PX
        low = high + EMOTIONS_PX
        for fraction, word in ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")):
            y = low - fraction * EMOTIONS_PX
            self.line([(left, y), (right, y)], RULE, 1)
            self.text((left - 12, y), word, 15, SOFT_INK, "rm")
        upper, lower = low + GAP_PX, low + GAP_PX + VALENCE_PX
        for value, word in ((1.0, "pleasant"), (0.0, "0"), (-1.0, "unpleasant")):
            y = np.interp(value, (-1, 1), (lower, upper))
            self.line([(left, y), (right, y)], SOFT_INK if value == 0 else RULE, 1)
            self.text((left - 12, y), word, 15, SOFT_INK, "rm")

        for part in _unbroken(line.times):
            xs, stack = _columns(across[part], np.cumsum(line.probabilities[part], axis=1))
            floor = np.full(len(xs), float(low))
            for number, emotion in enumerate(EMOTIONS):
                ceiling = low - np.clip(stack[:, number], 0, 1) * EMOTIONS_PX
                edge = [*zip(xs, ceiling, strict=True), *zip(xs[::-1], floor[::-1], strict=True)]
                self.shape(edge, COLOURS[emotion])
                floor = ceiling
            xs, valence = _columns(across[part], line.valence[part][:, None])
            ys = np.interp(valence[:, 0], (-1, 1), (lower, upper))
            self.line([*zip(xs, ys, strict=True)], ACCENT, 2.5)

        for time, written in _ticks(end):
            x = float(np.interp(time, (0.0, end), (left, right)))
            self.line([(x, lower), (x, lower + 6)], SOFT_INK, 1)
            self.text((x, lower + 18), written, 15, SOFT_INK, "mm")

    @staticmethod
    def _width(text: str, size: int) -> float:
        return float(ImageFont.load_default(size).getlength(text))


def _columns(
    xs: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where each column of pixels has values, and their mean.

    Args:
        xs: ``(N,)`` in pixels, rising.
        values: ``(N, K)``.

    Returns:
        ``(M,)`` in pixels, and ``(M, K)``, with M at least 2.
    """
    columns, starts = np.unique(np.floor(xs), return_index=True)
    counts = np.diff(np.append(starts, len(xs)))
    means = np.add.reduceat(values, starts, axis=0) / counts[:, None]
    middles = np.add.reduceat(xs, starts) / counts
    if len(columns) == 1:
        ends = middles[0] + np.array([-0.5, 0.5]) * MIN_SEEN_PX
        return ends, np.repeat(means, 2, axis=0)
    middles[0], middles[-1] = xs[0], xs[-1]
    return middles, means


def _unbroken(times: NDArray[np.float64]) -> Iterator[slice]:
    """Yield the parts of rising times that gaps separate."""
    steps = np.diff(times)
    usual = float(np.median(steps)) if len(steps) else 0.0
    breaks = np.flatnonzero(steps > max(MIN_GAP_SECONDS, GAP_STEPS * usual)) + 1
    for begin, end in itertools.pairwise((0, *breaks.tolist(), len(times))):
        yield slice(begin, end)


def _ticks(end: float) -> list[tuple[float, str]]:
    """Return up to about ten round times, in seconds, and their labels."""
    steps = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
    step = next((s for s in steps if end / s <= 11), 86400)
    times = [number * step for number in range(int(end / step + 1e-9) + 1)]
    return [(time, f"{time:.1f}" if step < 1 else _clock(time)) for time in times]


def _clock(seconds: float) -> str:
    """Return a time in whole seconds as a player shows it: 0:05, 12:30, 1:02:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _shortened(text: str, width: Callable[[str], float], room: float) -> str:
    """Return text shortened at its start, where names differ the least, to fit a width."""
    if width(text) <= room:
        return text
    while text and width(f"…{text}") > room:
        text = text[max(1, len(text) // 40) :]
    return f"…{text}"
