"""What nobody thought of: the messages, names and paths of the other tests, bent at random.

Seeded, so that a failure can be had again.
"""

from __future__ import annotations

import random
from contextlib import suppress
from urllib.parse import quote

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from tests.security.served import Served, arrive
from tests.security.server_fixture import Trap, served, trap  # noqa: F401
from ui.server.http_guard import host_allowed, origin_allowed

SEED = 20261128
ODD = "\\/@:.,?#%&= \t[]<>\"'`;|-_~*+()!$^{}0123456789abcxyz\u00e9\u2028\u3002\uff0e\x00\x7f"


def bent(text: str, chance: random.Random) -> str:
    """Return a text with up to three characters put in, taken out or changed."""
    letters = list(text)
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(len(letters) + 1)
        match chance.randrange(3):
            case 0:
                letters.insert(place, chance.choice(ODD))
            case 1 if place < len(letters):
                del letters[place]
            case _ if place < len(letters):
                letters[place] = chance.choice(ODD)
    return "".join(letters)


def test_malformed_host_is_never_accepted() -> None:
    chance = random.Random(SEED)
    for _ in range(20_000):
        host = bent("mood.example.org:8501", chance)
        if host_allowed(host, ["mood.example.org"]):
            name, _, port = host.partition(":")
            assert name.lower().rstrip(".") == "mood.example.org", host
            assert not port or port.isdigit(), host


def test_malformed_origin_is_never_accepted() -> None:
    chance = random.Random(SEED)
    host = "mood.example.org:8501"
    for _ in range(20_000):
        origin = bent(f"https://{host}", chance)
        if origin_allowed(origin, host):
            scheme, _, rest = origin.strip().lower().rstrip("/").partition("://")
            name, _, port = rest.partition(":")
            assert (scheme, name, int(port)) in [
                ("https", "mood.example.org", 8501),
                ("http", "mood.example.org", 8501),
            ], origin


def test_malformed_origins_are_refused(served: Served, trap: Trap) -> None:  # noqa: F811
    chance = random.Random(SEED)
    ours = f"http://{served.host}"
    for _ in range(60):
        origin = bent(ours, chance)
        if origin_allowed(origin, served.host) or not origin.isprintable():
            continue
        with suppress(UnicodeEncodeError), pytest.raises((InvalidStatus, WebSocketException)):
            arrive(served, origin=origin)
    assert trap.asked == []


def test_malformed_messages_end_only_their_connection(served: Served) -> None:  # noqa: F811
    chance = random.Random(SEED)
    message = BackMsg()
    message.rerun_script.page_name = "selfie"
    message.rerun_script.query_string = "set=AAAA"
    state = message.rerun_script.widget_states.widgets.add()
    state.id = "$$ID-68cee4efb8c3d1dfa1cc588fe383a396-upload-0"
    state.file_uploader_state_value.uploaded_file_info.add().file_id = "x"
    valid = message.SerializeToString()
    for _ in range(25):
        data = bytearray(valid)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        visitor = arrive(served)
        with suppress(ConnectionClosed):
            visitor.connection.send(bytes(data[: chance.randint(1, len(data))]))
            visitor.connection.send(bytes(data))
            visitor.connection.recv(timeout=30)
        with suppress(TimeoutError):
            visitor.leave()
    visitor = arrive(served)
    visitor.run("selfie")
    assert "Show your face for a moment" in visitor.text
    visitor.leave()


@pytest.mark.parametrize("sent", [bytes(3_000_000), "text", bytes(12_000_000)])
def test_non_message_ends_the_connection(served: Served, sent: bytes | str) -> None:  # noqa: F811
    visitor = arrive(served)
    with suppress(ConnectionClosed):
        visitor.connection.send(sent)
    with pytest.raises(ConnectionClosed):
        visitor.connection.recv(timeout=30)  # nothing was asked for, so nothing comes but the end
    visitor.leave()


SECRETS = (b"root:", b"def handle_oauth_redirect", b"cookie_secret", b"[theme]", b"SQLite format")
UP = ("../", "..%2f", "%2e%2e/", "..\\", "..%5c", "%252e%252e%252f", "....//", "/", "//", "~/")


def test_no_path_leads_out_of_what_is_served(served: Served) -> None:  # noqa: F811
    chance = random.Random(SEED)
    inside = (
        *("static", "media", "component/streamlit_webrtc.component.webrtc_streamer", "app/static"),
        *("_stcore/bidi-components/affectune.mood_pad", "_stcore/upload_file", ""),
    )
    wanted = ("etc/passwd", "app.py", ".streamlit/config.toml", "ui/spotify/sign_in.py")
    for _ in range(150):
        up = "".join(chance.choice(UP) for _ in range(chance.randint(1, 8)))
        target = chance.choice(wanted)
        path = f"/{chance.choice(inside)}/{up}{chance.choice((target, quote(target, safe='')))}"
        answer = served.ask(path)
        assert not any(secret in answer.body for secret in SECRETS), path
        assert answer.status < 500, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "QUERY"])
def test_unexpected_http_methods_do_nothing(served: Served, method: str) -> None:  # noqa: F811
    for path in ("/", "/selfie", "/media/x", "/_stcore/upload_file/x/y", "/_stcore/host-config"):
        answer = served.ask(path, method=method, body=b"x" * 100)
        assert answer.status in (200, 204, 400, 403, 404, 405), (path, answer.status)
        assert answer.body[:200].lower().find(b"traceback") < 0
