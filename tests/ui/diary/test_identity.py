"""Who a diary belongs to: one's own computer, a person who is signed in, or no one."""

from typing import Any

import pytest

from ui.diary import identity


def from_page(host: str, origin: str | None = None, **more: str) -> dict[str, str]:
    """What a browser says when a page of this host opens its connection."""
    return {
        "Host": host,
        "Origin": origin or f"http://{host}",
        "Connection": "Upgrade",
        "User-Agent": "Mozilla/5.0",
        "Sec-WebSocket-Version": "13",
        "Sec-Fetch-Site": "same-origin",
        **more,
    }


HERE = "127.0.0.1:8501"


LOCAL: dict[str, Any] = {
    "bound_to": "127.0.0.1",
    "headers": from_page(HERE),
    "url": "http://127.0.0.1:8501/diary",
    "ip": None,
}


FORWARDERS = (
    *("Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"),
    *("X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip", "X-Client-Ip", "X-Envoy-Peer-Metadata"),
    *("X-Original-Host", "Fly-Client-Ip", "X-Tunnel-Id", "Tailscale-User-Login", "X-Scheme"),
    *("Ngrok-Trace-Id", "CDN-Loop", "Proxy-Connection", "x-forwarded-FOR"),
)


@pytest.mark.parametrize(
    "seen",
    [
        {},
        {"headers": from_page("localhost:8501"), "url": "http://localhost:8501"},
        {"bound_to": "localhost", "url": None},
        {"bound_to": "::1", "headers": from_page("[::1]:8501"), "url": "http://[::1]:8501/"},
        {"headers": from_page(HERE, "https://" + HERE), "url": "https://127.0.0.1:8501/"},
        {"headers": {name.lower(): value for name, value in from_page(HERE).items()}},
    ],
)
def test_at_home_there_is_one_owner(seen: dict[str, Any]) -> None:
    assert identity.is_local(**(LOCAL | seen))


@pytest.mark.parametrize(
    "seen",
    [
        {"bound_to": None},
        {"bound_to": "0.0.0.0"},
        {"bound_to": "192.168.1.5"},
        {"headers": {}},
        {"headers": from_page("mood.example.org")},
        {"headers": from_page("127.0.0.1.example.org")},
        {"headers": from_page("localhost.example.org")},
        {"headers": from_page("[broken")},
        {"headers": {"Host": HERE}},
        {"headers": from_page(HERE, "null")},
        {"headers": from_page(HERE, "http://localhost:3000")},
        {"headers": from_page(HERE, "http://localhost:8501")},
        {"headers": from_page(HERE, "http://127.0.0.1")},
        {"headers": from_page(HERE, "http://127.0.0.1:9000")},
        {"headers": from_page(HERE, "http://127.0.0.1:8501.example.org")},
        {"headers": from_page(HERE, "http://mood.example.org:8501")},
        {"headers": from_page(HERE, "file://")},
        {"url": "https://mood.example.org/diary"},
        {"ip": "203.0.113.9"},
        *({"headers": from_page(HERE, **{name: "203.0.113.9"})} for name in FORWARDERS),
    ],
)
def test_any_proxy_header_makes_a_visitor_remote(seen: dict[str, Any]) -> None:
    assert not identity.is_local(**(LOCAL | seen))


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"is_logged_in": False, "iss": "a", "sub": "b"},
        {"is_logged_in": "yes", "iss": "a", "sub": "b"},
        {"is_logged_in": True, "sub": "b"},
        {"is_logged_in": True, "iss": "a", "email": "ada@example.org"},
    ],
)
def test_unidentified_visitor_is_a_stranger(claims: dict[str, Any]) -> None:
    assert identity.of_claims(claims) == identity.Identity("stranger")


def test_display_name_does_not_identify_a_visitor() -> None:
    one = identity.of_claims({"is_logged_in": True, "iss": "a", "sub": "b", "name": "Ada"})
    other = identity.of_claims({"is_logged_in": True, "iss": "a", "sub": "b", "name": "Eve"})
    assert one.owner == other.owner
    assert one.owner is not None
    assert one.owner != "b"
    assert len(one.owner) == 64
    keys = {
        identity.of_claims({"is_logged_in": True, "iss": issuer, "sub": subject}).owner
        for issuer, subject in (("a", "b"), ("b", "a"), ("ab", ""), ("a", "bb"), ("aa", "b"))
    }
    assert len(keys) == 5
