"""Our own small elements: an HTML, a CSS and a JavaScript file beside the module that owns them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st


def component(name: str) -> Any:
    """Register ``name.html``, ``name.css`` and ``name.js`` of this folder as one element.

    Returns:
        What mounts it: a callable that takes ``key``, ``data`` and ``on_…_change`` callbacks.
    """
    html, css, js = (
        Path(__file__).with_name(f"{name}.{kind}").read_text(encoding="utf-8")
        for kind in ("html", "css", "js")
    )
    return st.components.v2.component(f"affectune.{name}", html=html, css=css, js=js)
