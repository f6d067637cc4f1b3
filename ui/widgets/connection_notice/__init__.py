"""A notice while the connection to the server is lost."""

from __future__ import annotations

from typing import Final

from ui.widgets.frontend import component

KEY: Final = "connection-notice"
LOST: Final = "The connection is lost. Trying again… Your set is safe, and the music plays on."

_component = component("connection_notice")


def connection_notice() -> None:
    """Watch the connection; once it is back, the page reruns."""
    _component(key=KEY, data={"text": LOST}, on_again_change=lambda: None)
