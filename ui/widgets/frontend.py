"""Registers custom components: each is a folder with an HTML, a CSS and a JavaScript file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st


def component(name: str, *, shared: Sequence[str] = ()) -> Any:
    """Register ``name/name.html``, ``.css`` and ``.js`` of this folder as one component.

    Args:
        name: the name of the component's folder.
        shared: names, without suffix, of style sheets in this folder to put before its own.

    Returns:
        A callable that mounts it and takes ``key``, ``data`` and ``on_…_change`` callbacks.
    """
    folder = Path(__file__).parent
    styles = [folder / f"{sheet}.css" for sheet in shared] + [folder / name / f"{name}.css"]
    html, js = (
        (folder / name / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("html", "js")
    )
    css = "\n".join(sheet.read_text(encoding="utf-8") for sheet in styles)
    return st.components.v2.component(f"affectune.{name}", html=html, css=css, js=js)
