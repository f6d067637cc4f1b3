"""Cells and notebooks to test with, as nbformat 4 has them."""

import base64
import io
from typing import Any

from PIL import Image


def png() -> str:
    out = io.BytesIO()
    Image.new("RGB", (40, 20), "#7A3560").save(out, "PNG")
    return base64.b64encode(out.getvalue()).decode()


def markdown(*lines: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": "\n".join(lines)}


def code(source: str, *outputs: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": 1,
        "metadata": metadata,
        "source": source.splitlines(keepends=True),
        "outputs": list(outputs),
    }


def shown(metadata: dict[str, Any] | None = None, **data: Any) -> dict[str, Any]:
    kinds = {"png": "image/png", "plain": "text/plain", "html": "text/html", "md": "text/markdown"}
    return {
        "output_type": "display_data",
        "data": {kinds[kind]: value for kind, value in data.items()},
        "metadata": metadata or {},
    }


def notebook(*cells: dict[str, Any]) -> dict[str, Any]:
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": list(cells)}
