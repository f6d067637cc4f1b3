"""The STUN and TURN servers that help browser and server connect: AFFECTUNE_ICE_SERVERS."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, Final

SETTING: Final = "AFFECTUNE_ICE_SERVERS"
SCHEMES: Final = ("stun:", "stuns:", "turn:", "turns:")
EXAMPLE: Final = '[{"urls": "turn:turn.example.org:3478", "username": "u", "credential": "c"}]'


def ice_servers(environment: Mapping[str, str] = os.environ) -> list[dict[str, Any]]:
    """Return the STUN and TURN servers that a deployment has set, none by default.

    Visitors on the same machine or network need none. Never returns ``None``, for which
    streamlit-webrtc would ask servers on the internet.

    Raises:
        ValueError: the setting is not a JSON list of servers. The message says what is wrong.
    """
    text = environment.get(SETTING, "").strip()
    if not text:
        return []
    try:
        servers = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(_wrong(f"it is not JSON: {error}")) from error
    if not isinstance(servers, list):
        raise ValueError(_wrong("it is not a list"))
    return [_checked(server) for server in servers]


def _checked(server: Any) -> dict[str, Any]:
    if not isinstance(server, dict) or "urls" not in server:
        raise ValueError(_wrong(f"{json.dumps(server)} has no 'urls'"))
    urls = server["urls"] if isinstance(server["urls"], list) else [server["urls"]]
    if not urls:
        raise ValueError(_wrong(f"{json.dumps(server)} has no 'urls'"))
    for url in urls:
        if not isinstance(url, str) or not url.startswith(SCHEMES):
            raise ValueError(
                _wrong(f"{json.dumps(url)} does not begin with one of {', '.join(SCHEMES)}")
            )
    if any(url.startswith("turn") for url in urls) and not (
        isinstance(server.get("username"), str) and isinstance(server.get("credential"), str)
    ):
        raise ValueError(_wrong(f"{json.dumps(urls[0])} needs 'username' and 'credential'"))
    known = ("urls", "username", "credential")
    return {key: server[key] for key in known if key in server}


def _wrong(what: str) -> str:
    return f"{SETTING} cannot be used: {what}. It must look like {EXAMPLE}"
