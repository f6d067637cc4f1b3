"""Every request that the client makes, held against a description of the API (OpenAPI).

The description of what an app in development mode may call is not part of the project. It is
taken from ``AFFECTUNE_SPOTIFY_OPENAPI``, or from beside the project where it lies there.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import pytest

from recommender.catalog.catalog import Catalog
from recommender.spotify import Limits, Refused, SpotifyClient, Unreachable
from recommender.spotify.cache import DayCache
from recommender.spotify.endpoints import ENDPOINTS, REMOVED
from recommender.spotify.playlists import Saves
from recommender.types import Mood, Pick, Playlist, Track
from tests.recommender.spotify.conftest import find_tracks, read_profile, save
from tests.recommender.spotify.server import Request, SpotifyServer
from tests.recommender.spotify.test_faults import CALLS

BESIDE = Path(__file__).parents[4] / "shared" / "data" / "spotify_devmode_openapi.yml"
DESCRIPTION = Path(os.environ.get("AFFECTUNE_SPOTIFY_OPENAPI") or BESIDE)

PRISM = os.environ.get("AFFECTUNE_PRISM_URL")

pytestmark = [
    pytest.mark.skipif(
        not DESCRIPTION.is_file(),
        reason="no description of Spotify's API: name one in AFFECTUNE_SPOTIFY_OPENAPI",
    ),
    # The validator knows no OAuth; `check` looks at the header itself.
    pytest.mark.filterwarnings("ignore:Unsupported scheme type"),
]


@cache
def description() -> Any:
    openapi_core = pytest.importorskip("openapi_core", reason="openapi-core is not installed")
    # Unchecked: it demands fields that it took out itself, which no request is about.
    config = openapi_core.Config(spec_validator_cls=None)
    return openapi_core.OpenAPI.from_file_path(str(DESCRIPTION), config=config)


@cache
def declared() -> dict[tuple[str, str], frozenset[str]]:
    """Return (method, path) → the names of its query parameters."""
    spec = description().spec
    found: dict[tuple[str, str], frozenset[str]] = {}
    with (spec / "paths").open() as paths:
        content = dict(paths)
    for path in content:
        for method in content[path]:
            operation = spec / "paths" / path / method
            names = [
                (parameter / "name").read_value()
                for parameter in (operation / "parameters" if "parameters" in operation else [])
                if (parameter / "in").read_value() == "query"
            ]
            found[method.upper(), path] = frozenset(names)
    return found


@dataclass
class Described:
    """A request as the validator reads one."""

    request: Request

    @cached_property
    def parameters(self) -> Any:
        from openapi_core.datatypes import RequestParameters
        from werkzeug.datastructures import Headers, ImmutableMultiDict

        return RequestParameters(
            query=ImmutableMultiDict(self.request.query),
            header=Headers(self.request.headers),
        )

    host_url = "https://api.spotify.com"

    @property
    def path(self) -> str:
        return f"/v1{self.request.path}"

    @property
    def method(self) -> str:
        return self.request.method.lower()

    @property
    def body(self) -> bytes | None:
        return self.request.body or None

    @property
    def content_type(self) -> str:
        return self.request.headers.get("content-type", "")


def check(request: Request) -> None:
    description().validate_request(Described(request))
    assert request.headers["authorization"].startswith("Bearer ")
    known = next(
        names
        for (method, path), names in declared().items()
        if method == request.method
        and re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", path), request.path)
    )
    # The validator lets parameters pass that nobody declared.
    assert request.query.keys() <= known


@pytest.mark.parametrize("name", CALLS)
def test_each_call_is_as_described(
    spotify: SpotifyServer, client: SpotifyClient, name: str
) -> None:
    with contextlib.suppress(Refused):  # the playlist of the calls is not there
        CALLS[name](client)
    assert spotify.requests
    for request in spotify.requests:
        check(request)


def test_what_is_done_with_the_calls_is_as_described(
    spotify: SpotifyServer,
    client: SpotifyClient,
    starter: Catalog,
    track: Callable[..., Track],
) -> None:
    mood = Mood(0.3, 0.3)
    picks = tuple(Pick(track(number), mood, "") for number in range(1, 151))
    saved = save(client, Playlist(mood, mood, "shift", picks, 0), key="a", saves=Saves())
    client.playlist_items(saved.id)
    read_profile(client)
    find_tracks(client, starter, [mood], market="SE", cache=DayCache())
    client.play("d1", ["spotify:track:1"])
    client.queue("spotify:track:1")
    assert len({request.name for request in spotify.requests}) >= 10
    for request in spotify.requests:
        check(request)


@pytest.mark.parametrize("name", sorted(ENDPOINTS))
def test_each_endpoint_is_described_with_its_scopes(name: str) -> None:
    endpoint = ENDPOINTS[name]
    operation = description().spec / "paths" / endpoint.path / endpoint.method.lower()
    assert (endpoint.method, endpoint.path) in declared()
    ((_, scopes),) = (operation / "security").read_value()[0].items()
    assert set(endpoint.scopes) <= set(scopes)


@pytest.mark.parametrize("path", REMOVED)
def test_what_is_removed_is_not_described(path: str) -> None:
    anonymous = {re.sub(r"\{[^}]+\}", "{}", known) for method, known in declared()}
    assert re.sub(r"\{[^}]+\}", "{}", path) not in anonymous


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.skipif(not PRISM, reason="no Prism runs: name its address in AFFECTUNE_PRISM_URL")
def test_prism_lets_each_call_pass(name: str) -> None:
    """``prism mock --errors DESCRIPTION`` answers 422 to what is not as described.

    Prism serves at its root what Spotify serves below /v1: give the address with a slash and a
    dot at its end (``http://127.0.0.1:4010/.``), or put /v1 before the paths.
    """
    client = SpotifyClient(lambda: "token", api_url=PRISM, limits=Limits())
    reached = True
    try:
        CALLS[name](client)
    except Unreachable as fault:
        # It makes up answers that are none, such as ids with spaces; that is not its question.
        reached = fault.sent
    client.close()
    assert reached


def test_the_check_notices(spotify: SpotifyServer, client: SpotifyClient) -> None:
    client.search("x")
    (good,) = spotify.requests
    check(good)
    for query in ({"q": ["x"]}, good.query | {"limit": ["11"]}, good.query | {"odd": ["1"]}):
        wrong = Request(good.method, good.path, query, good.headers, b"", "")
        with pytest.raises(Exception, match=r"(?s)."):
            check(wrong)
