"""Notebook: how the network was made, in executed notebooks."""

import streamlit as st

from ui import wording
from ui.navigation import end_page, require_router
from ui.notebook import view

require_router("notebook")

found = view.notebooks()
opened = {name: view.open_notebook(path) for name, path in found.items()}
titles = {name: notebook.title if notebook else name for name, notebook in opened.items()}


def choose() -> None:
    """Put the choice into the address, so that it can be shared as a link."""
    st.query_params["notebook"] = st.session_state["notebook"]


body = st.container(horizontal_alignment="center").container(width=900)

with body:
    if not found:
        st.title("The notebooks are not here yet", anchor=False)
        st.markdown("They show how the network was trained and measured, step by step.")
        st.page_link("pages/model.py", label="How well it reads faces", icon=":material/insights:")
        end_page()

    name = st.query_params.get("notebook", "")
    if name not in found:
        name = next(iter(found))
    if len(found) > 1:
        st.session_state["notebook"] = name
        # Stacked: titles are sentences, and a phone is narrow.
        st.radio(
            "Which notebook?",
            list(found),
            format_func=lambda name: wording.escape_markdown(titles[name]),
            key="notebook",
            on_change=choose,
        )
    notebook = opened[name]
    st.title(titles[name], anchor=False)

    if notebook is None:
        st.warning(
            "This notebook can’t be shown: its file is damaged.",
            icon=":material/broken_image:",
        )
        end_page()

    with st.container(horizontal=True, horizontal_alignment="distribute"):
        code = st.toggle("Show the code", key="code", bind="query-params")
        st.download_button(
            "Download",
            found[name].read_bytes(),
            file_name=found[name].name,
            mime="application/x-ipynb+json",
            on_click="ignore",
            icon=":material/download:",
        )
    view.contents(notebook)
    view.draw(notebook.blocks, code=code)
