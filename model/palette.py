"""The colours of the charts in the model card: those of the app's light theme."""

from __future__ import annotations

from typing import Final

INK: Final = "#1D1419"
MUTED: Final = "#665E59"
FAINT: Final = "#B9AEB0"
PAPER: Final = "#FFFBF7"
