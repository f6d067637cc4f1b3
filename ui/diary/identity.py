"""Who the visitor is, as far as a diary needs to know.

On your own computer there is one owner: the computer. On a server for others, `st.login` (OpenID
Connect) identifies people if it is set up; otherwise they cannot be told apart, and nothing is
kept.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import streamlit as st
from streamlit.errors import StreamlitAPIException

Kind = Literal["computer", "person", "stranger", "nobody"]

_log = logging.getLogger(__name__)

THIS_COMPUTER: Final = "this computer"

BROWSERS_SAY: Final = frozenset(
    {
        *("host", "connection", "upgrade", "origin", "user-agent", "cookie", "pragma"),
        *("cache-control", "accept", "accept-encoding", "accept-language"),
        *("dnt", "priority", "te", "save-data"),
    }
)
"""Headers that a browser sends when it opens a connection, besides ``sec-…``. Any other header, of
whatever name, suggests a proxy or a tunnel: the visitor may be elsewhere."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the visitor is.

    Attributes:
        kind: "computer", this computer's only owner; "person", someone signed in; "stranger",
            someone who can sign in; or "nobody", if people cannot be told apart.
        owner: the key of their diary; ``None`` for a stranger or nobody.
        name: what to call someone who is signed in.
    """

    kind: Kind
    owner: str | None = None
    name: str | None = None


def who() -> Identity:
    """Return who this visitor is."""
    if providers():
        return of_claims(_claims())
    return Identity("computer", THIS_COMPUTER) if _here() else Identity("nobody")


def of_claims(claims: Mapping[str, Any]) -> Identity:
    """Return who the visitor is according to an identity provider.

    The key is a hash of issuer and subject, which OpenID Connect makes unique together (Core 1.0,
    section 5.7). Names and email addresses may change hands, and are not used.

    Args:
        claims: what `st.user` holds.
    """
    issuer, subject = claims.get("iss"), claims.get("sub")
    if claims.get("is_logged_in") is not True or not issuer or not subject:
        return Identity("stranger")
    key = hashlib.sha256(f"{issuer}\n{subject}".encode()).hexdigest()
    name = claims.get("name") or claims.get("email")
    return Identity("person", key, str(name) if name else None)


def is_local(
    *, bound_to: str | None, headers: Mapping[str, str], url: str | None, ip: str | None
) -> bool:
    """Return whether a visitor sits at the machine that serves the page, as far as can be told.

    All signs have to agree: one hint of a connection from outside is enough to keep nothing. What
    cannot be told: which account on the machine it is, and whether something invisible forwards the
    connection. `wording.DIARY_ASSUMES` tells visitors so.

    Args:
        bound_to: the address that the server listens on.
        headers: those of the request that opened the session.
        url: the page's address, as the browser has it.
        ip: the visitor's address; Streamlit has ``None`` for the machine itself.
    """
    said = {name.lower(): value for name, value in headers.items()}
    host, origin = said.get("host", ""), said.get("origin", "")
    return (
        _loopback(bound_to)
        and ip is None
        and _loopback(_host(f"//{host}"))
        and (url is None or _loopback(_host(url)))
        # The requesting page is from this server and port, not from another one on the machine.
        and origin in (f"http://{host}", f"https://{host}")
        and all(name in BROWSERS_SAY or name.startswith("sec-") for name in said)
    )


def providers() -> tuple[str | None, ...]:
    """Return the identity providers that are set up, as `st.login` takes them."""
    try:
        auth = st.secrets["auth"] if st.secrets.load_if_toml_exists() else {}
    except (KeyError, StreamlitAPIException):
        return ()
    unnamed: tuple[str | None, ...] = (None,) if "client_id" in auth else ()
    named = (name for name in auth if isinstance(auth[name], Mapping) and "client_id" in auth[name])
    return (*unnamed, *named)


def sign_in(provider: str | None) -> None:
    """Send a stranger to an identity provider; if its setup is wrong, store a sentence to show."""
    try:
        st.login(provider) if provider else st.login()
    except StreamlitAPIException:  # the details are for the operator, not for a visitor
        _log.exception("Signing in does not work")
        st.session_state["sign-in-problem"] = "Sign-in isn’t working right now."


def _claims() -> Mapping[str, Any]:
    return st.user.to_dict()


def _here() -> bool:
    context = st.context
    return is_local(
        bound_to=st.get_option("server.address"),
        headers=context.headers,
        url=context.url,
        ip=context.ip_address,
    )


def _host(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def _loopback(host: str | None) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return False
