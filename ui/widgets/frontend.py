"""Registers custom components: a folder with an HTML, a CSS and a JavaScript file each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st


def component(name: str) -> Any:
    """Register ``name/name.html``, ``.css`` and ``.js`` of this folder as one component.

    Returns:
        What mounts it: a callable that takes ``key``, ``data`` and ``on_…_change`` callbacks.
    """
    html, css, js = (
        (Path(__file__).parent / name / f"{name}.{kind}").read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
    )
    return st.components.v2.component(f"affectune.{name}", html=html, css=css, js=js)
