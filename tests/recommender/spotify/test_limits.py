from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from recommender.spotify import Limits, SpotifyClient, TooManyRequests
from recommender.spotify.limits import DEFAULT_BACK_OFF
from tests.recommender.spotify import server as scripted
from tests.recommender.spotify.server import SpotifyServer

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def limits(clock: Clock) -> Limits:
    return Limits(now=clock)


@pytest.mark.parametrize(
    ("header", "until"),
    [
        ("2", NOON + timedelta(seconds=2)),
        (" 86400 ", NOON + timedelta(days=1)),
        ("1.5", NOON + timedelta(seconds=1.5)),
        (None, NOON + DEFAULT_BACK_OFF),
        ("", NOON + DEFAULT_BACK_OFF),
        ("soon", NOON + DEFAULT_BACK_OFF),
        ("0", NOON + DEFAULT_BACK_OFF),
        ("-7", NOON + DEFAULT_BACK_OFF),
        ("nan", NOON + DEFAULT_BACK_OFF),
        ("1e400", NOON + timedelta(days=1)),
        ("99999999999999999999", NOON + timedelta(days=1)),
        ("Wed, 25 Nov 2026 12:10:00 GMT", NOON + timedelta(minutes=10)),
        ("Wed, 25 Nov 2026 11:10:00 GMT", NOON + DEFAULT_BACK_OFF),
        ("Wed, 25 Nov 2026 12:10:00 -0000", NOON + DEFAULT_BACK_OFF),
    ],
)
def test_a_deadline_from_any_header(limits: Limits, header: str | None, until: datetime) -> None:
    assert limits.back_off("search", header).until == until
    assert limits.backing_off() == {"search": until}


def test_rate_limited_kind_backs_off_and_others_continue(
    spotify: SpotifyServer,
    make_client: Callable[..., SpotifyClient],
    limits: Limits,
    clock: Clock,
) -> None:
    ann, ben = make_client("ann", limits=limits), make_client("ben", limits=limits)
    spotify.fault("GET /search", scripted.too_many(600))
    with pytest.raises(TooManyRequests) as first:
        ann.search("x")
    assert first.value.until == NOON + timedelta(seconds=600)
    assert first.value.sentence == (
        "Spotify lets us search again in about 10 minutes. Everything else keeps working."
    )
    # The limit is the app's: it holds for the other visitor too, and Spotify is not asked.
    clock.now += timedelta(seconds=599)
    with pytest.raises(TooManyRequests) as second:
        ben.search("y")
    assert second.value.until == first.value.until
    assert len(spotify.seen("GET /search")) == 1
    assert ben.me().account_id == "account-ben"
    assert ann.create_playlist("Name", "Text").name == "Name"
    clock.now += timedelta(seconds=1)
    assert ben.search("y")
    assert limits.backing_off() == {}


def test_background_requests_back_off_first(
    spotify: SpotifyServer, make_client: Callable[..., SpotifyClient], limits: Limits
) -> None:
    client = make_client(limits=limits)
    spotify.fault("GET /me/top/tracks", scripted.too_many(86400, quota=True))
    with pytest.raises(TooManyRequests):
        client.top_tracks()
    assert limits.backing_off().keys() == {"taste", "search"}
    assert client.devices()
    spotify.fault("GET /me/player/devices", scripted.too_many(5, quota=True))
    with pytest.raises(TooManyRequests):
        client.devices()
    assert limits.backing_off()["player"] == NOON + timedelta(seconds=5)
    assert limits.backing_off()["search"] == NOON + timedelta(days=1)


def test_shorter_back_off_does_not_shorten_a_longer_one(limits: Limits) -> None:
    limits.back_off("search", "600")
    assert limits.back_off("search", "5").until == NOON + timedelta(seconds=600)
    limits.clear()
    limits.check("search")
