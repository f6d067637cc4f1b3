"""The servers that a deployment names for the live camera."""

import json

import pytest

from ui.live.ice import SETTING, ice_servers


def test_no_servers_by_default() -> None:
    assert ice_servers({}) == []
    assert ice_servers({SETTING: " "}) == []


def test_servers_of_a_deployment() -> None:
    servers = [
        {"urls": "stun:stun.example.org:3478"},
        {"urls": ["turn:turn.example.org", "turns:turn.example.org"], "username": "u"}
        | {"credential": "c"},
    ]
    assert ice_servers({SETTING: json.dumps(servers)}) == servers


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("stun:example.org", "not JSON"),
        ('{"urls": "stun:example.org"}', "not a list"),
        ('["stun:example.org"]', "no 'urls'"),
        ('[{"urls": []}]', "no 'urls'"),
        ('[{"urls": "http://example.org"}]', "does not begin with"),
        ('[{"urls": "turn:example.org"}]', "needs 'username' and 'credential'"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        ice_servers({SETTING: text})
    assert SETTING in str(error.value)
    assert "It must look like" in str(error.value)
