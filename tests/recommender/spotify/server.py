"""A small Spotify on loopback: the API below /v1/, sign-in beside it, and faults by script.

    with SpotifyServer() as spotify:
        spotify.fault("GET /search", too_many(86400))
        client = SpotifyClient(lambda: spotify.token("ann"), api_url=spotify.api_url)

Real HTTP in a thread. It needs nothing but the standard library, so that the browser tests can
use it: point AFFECTUNE_SPOTIFY_API_URL at `api_url` and AFFECTUNE_SPOTIFY_ACCOUNTS_URL at
`accounts_url`. Every token, code and secret that it hands out contains `SECRET`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import socket
import struct
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

SECRET = "s3cr3t"
CLIENT_ID = "affectune-client-id"
CLIENT_SECRET = f"{SECRET}-of-the-app"
ALL_SCOPES = (
    "user-top-read user-read-recently-played playlist-modify-private playlist-read-private "
    "user-read-playback-state user-modify-playback-state"
)


@dataclass(frozen=True)
class Fault:
    """What to do instead of answering well.

    Attributes:
        status, headers, body, content_type: the answer; status 0 answers as usual.
        carried_out: whether the request is carried out all the same.
        wait: seconds before the request is looked at.
        wait_after: seconds between carrying it out and answering.
        drop: close the connection without an answer.
        trickle: send the answer byte by byte, with that pause in seconds.
        keep: of the tracks of an add, write only that number.
        until: look at the request when this is set, after half a minute at the latest.
    """

    status: int = 0
    body: str = ""
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)
    carried_out: bool = False
    wait: float = 0.0
    wait_after: float = 0.0
    drop: bool = False
    trickle: float = 0.0
    keep: int | None = None
    until: threading.Event | None = None


def error(status: int, message: str, reason: str | None = None) -> Fault:
    """An error as Spotify's API words it."""
    said: dict[str, Any] = {"status": status, "message": message}
    if reason:
        said["reason"] = reason
    return Fault(status, json.dumps({"error": said}))


def too_many(retry_after: str | float | None, *, quota: bool = False) -> Fault:
    """A 429, with or without its header."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    fault = error(429, "API rate limit exceeded", "QUOTA_EXCEEDED" if quota else None)
    return replace(fault, headers=headers)


def plain(status: int, text: str) -> Fault:
    """An error as plain text."""
    return Fault(status, text, "text/plain")


def html_page(status: int) -> Fault:
    """An error page of some proxy."""
    return Fault(status, "<html><body><h1>It broke</h1></body></html>", "text/html")


def string_error(status: int, text: str = "invalid_token") -> Fault:
    """An error that is a string where an object is expected: spotipy stumbles over it."""
    return Fault(status, json.dumps({"error": text}))


def slow(seconds: float) -> Fault:
    """An answer that takes its time; the request is carried out when it is over."""
    return Fault(wait=seconds)


def carried_out_slowly(seconds: float) -> Fault:
    """A request that is carried out at once and answered late."""
    return Fault(wait_after=seconds)


def dropped(*, carried_out: bool = False, keep: int | None = None) -> Fault:
    """A connection that ends without an answer."""
    return Fault(drop=True, carried_out=carried_out, keep=keep)


NOT_ALLOWED = plain(
    403,
    "User not registered in the Developer Dashboard, see https://developer.spotify.com/dashboard",
)
OWNER_NEEDS_PREMIUM = error(403, "Active premium subscription required for the owner of the app.")
INSUFFICIENT_SCOPE = error(403, "Insufficient client scope")
PREMIUM_REQUIRED = error(403, "Player command failed: Premium required", "PREMIUM_REQUIRED")
NO_ACTIVE_DEVICE = error(404, "Player command failed: No active device found", "NO_ACTIVE_DEVICE")
REMOVED = error(403, "Forbidden")
EXPIRED = error(401, "The access token expired")
REVOKED = Fault(
    400, json.dumps({"error": "invalid_grant", "error_description": "Refresh token revoked"})
)


@dataclass(frozen=True)
class Request:
    """A request that came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    raw_query: str

    @property
    def name(self) -> str:
        """As faults are scripted: ``GET /search``, ``POST /playlists/{id}/items``."""
        return f"{self.method} {pattern(self.path)}"

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None


@dataclass
class Grant:
    """What a token stands for. An app's own token has no user."""

    user: str | None
    scopes: frozenset[str]
    until: float


@dataclass
class Kept:
    """A playlist on the server."""

    owner: str
    name: str
    description: str
    public: bool
    items: list[str] = field(default_factory=list)


def track(number: int, **changes: Any) -> dict[str, Any]:
    """A track as Spotify describes it."""
    track_id = changes.pop("id", f"{number:022d}")
    artists = changes.pop("artists", [f"Artist {number}"])
    return {
        "type": "track",
        "id": track_id,
        "uri": f"spotify:track:{track_id}",
        "name": f"Song {number}",
        "artists": [{"id": f"{i:022d}", "name": name} for i, name in enumerate(artists)],
        "album": {"name": "Album", "release_date": "2004-05-06"},
        "external_ids": {"isrc": f"XX0000{number:06d}"},
        "external_urls": {"spotify": f"https://open.spotify.com/track/{track_id}"},
        "duration_ms": 200_000,
        "explicit": False,
    } | changes


def artist(name: str, *tags: str) -> dict[str, Any]:
    """An artist as Spotify describes one."""
    return {"type": "artist", "id": f"{abs(hash(name)) % 10**20:022d}", "name": name} | (
        {"genres": list(tags)} if tags else {}
    )


USERS: dict[str, dict[str, Any]] = {
    "ann": {
        "display_name": "Ann Example",
        "account_id": "account-ann",
        "id": "ann",
        "artists": [artist("Nick Drake", "british folk"), artist("Joni Mitchell", "folk")],
        "tracks": [track(901, name="Pink Moon", artists=["Nick Drake"])],
    },
    "ben": {
        "display_name": "Ben Example",
        "account_id": "account-ben",
        "id": "ben",
        "artists": [artist("Metallica", "thrash metal", "metal"), artist("Slayer", "metal")],
        "tracks": [track(902, name="Battery", artists=["Metallica"])],
    },
}


class SpotifyServer:
    """Spotify as far as the client goes, for two listeners.

    Attributes:
        requests: what came in below /v1/, in order.
        account_requests: what came in for signing in.
        playlists: id → playlist.
        devices: what can play.
        played: (user, device id, URIs) of each start; queued: (user, URI).
        results: query → tracks that a search finds; any other query finds `anything`.
        features: id → what ReccoBeats (at `reccobeats_url`) knows of a track.
        ask: show a page with a button a user instead of sending people back at once as `user`.
    """

    def __init__(self, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.account_requests: list[Request] = []
        self.playlists: dict[str, Kept] = {}
        self.devices: list[dict[str, Any]] = [
            {"id": "d1", "name": "Kitchen", "type": "Speaker", "is_active": True},
            {"id": "d2", "name": "Phone", "type": "Smartphone", "is_active": False},
        ]
        self.played: list[tuple[str | None, str | None, list[str]]] = []
        self.queued: list[tuple[str | None, str]] = []
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.anything: list[dict[str, Any]] = [track(number) for number in range(1, 11)]
        self.features: dict[str, dict[str, Any]] = {}
        self.user = "ann"
        self.ask = False
        self.lifetime = 3600.0
        self._faults: defaultdict[str, deque[Fault]] = defaultdict(deque)
        self._always: dict[str, Fault] = {}
        self._grants: dict[str, Grant] = {}
        self._codes: dict[str, dict[str, Any]] = {}
        self._refresh: dict[str, tuple[str, str]] = {}
        self._count = 0
        self.lock = threading.RLock()
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"spotify": self})
        self._server = _Server(("127.0.0.1", port), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    @property
    def api_url(self) -> str:
        return f"{self.url}v1/"

    @property
    def accounts_url(self) -> str:
        return self.url

    @property
    def reccobeats_url(self) -> str:
        return f"{self.url}reccobeats/"

    def __enter__(self) -> SpotifyServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()

    def fault(self, name: str, *faults: Fault) -> None:
        """Meet the next requests of a name with faults, one each: ``fault("GET /me", slow(1))``.

        ``"*"`` stands for every request below /v1/, ``"POST /api/token"`` for the sign-in.
        """
        with self.lock:
            self._faults[name].extend(faults)

    def always(self, name: str, fault: Fault | None) -> None:
        """Meet every request of a name with a fault, until it is ``None``."""
        with self.lock:
            if fault is None:
                self._always.pop(name, None)
            else:
                self._always[name] = fault

    def heal(self) -> None:
        """Forget all faults."""
        with self.lock:
            self._faults.clear()
            self._always.clear()

    def token(self, user: str | None = "ann", scopes: str = ALL_SCOPES, **more: float) -> str:
        """Hand out an access token; ``lifetime=`` in seconds."""
        return self._issue(user, scopes, more.get("lifetime", self.lifetime))

    def revoke(self, user: str) -> None:
        """Withdraw every token of a user, also those that renew others."""
        with self.lock:
            self._grants = {k: v for k, v in self._grants.items() if v.user != user}
            self._refresh = {k: v for k, v in self._refresh.items() if v[0] != user}

    def expire(self) -> None:
        """Let every access token run out; those that renew them stay."""
        with self.lock:
            self._grants.clear()

    def seen(self, name: str) -> list[Request]:
        """Return the requests of a name, such as ``GET /search``."""
        with self.lock:
            return [request for request in self.requests if request.name == name]

    # What follows runs in the server's threads

    def next_fault(self, name: str) -> Fault:
        with self.lock:
            for key in (name, "*"):
                if self._faults[key] and (key != "*" or not name.endswith("/api/token")):
                    return self._faults[key].popleft()
            return self._always.get(name) or self._always.get("*") or Fault()

    def _issue(self, user: str | None, scopes: str, lifetime: float) -> str:
        with self.lock:
            self._count += 1
            token = f"{SECRET}-access-{self._count}-{user}"
            self._grants[token] = Grant(
                user, frozenset(scopes.split()), time.monotonic() + lifetime
            )
            return token

    def grant(self, request: Request) -> Grant | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        with self.lock:
            grant = self._grants.get(token)
        return grant if grant and grant.until > time.monotonic() else None

    def authorize(self, query: dict[str, str]) -> tuple[int, str, str]:
        """Return status, location and page of /authorize."""
        user = query.get("as_user") or (None if self.ask else self.user)
        if user is None:
            buttons = "".join(
                f'<p><a href="/authorize?{html.escape(urlencode({**query, "as_user": name}))}">'
                f"Agree as {name.capitalize()}</a></p>"
                for name in (*USERS, "nobody")
            )
            return 200, "", f"<html><title>Spotify</title><body>{buttons}</body></html>"
        back = {"state": query.get("state", "")}
        if user == "nobody":
            back["error"] = "access_denied"
        else:
            with self.lock:
                self._count += 1
                code = f"{SECRET}-code-{self._count}"
                self._codes[code] = {**query, "user": user}
            back["code"] = code
        return 302, f"{query['redirect_uri']}?{urlencode(back)}", ""

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Return status and answer of /api/token."""
        kind = form.get("grant_type")
        if kind == "client_credentials":
            pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
            if authorization != f"Basic {pair}":
                return 400, {"error": "invalid_client", "error_description": "Invalid client"}
            return 200, self._tokens(None, "", refresh=False)
        if kind == "refresh_token":
            with self.lock:
                known = self._refresh.get(form.get("refresh_token", ""))
            if known is None:
                return 400, {"error": "invalid_grant", "error_description": "Revoked"}
            return 200, self._tokens(*known, refresh=False)
        with self.lock:
            begun = self._codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            begun is None
            or begun.get("redirect_uri") != form.get("redirect_uri")
            or begun.get("client_id") != form.get("client_id")
            or begun.get("code_challenge", challenge) != challenge
        ):
            return 400, {"error": "invalid_grant", "error_description": "Invalid code"}
        return 200, self._tokens(begun["user"], begun.get("scope", ""), refresh=True)

    def _tokens(self, user: str | None, scopes: str, *, refresh: bool) -> dict[str, Any]:
        answer = {
            "access_token": self._issue(user, scopes, self.lifetime),
            "token_type": "Bearer",
            "expires_in": int(self.lifetime),
            "scope": scopes,
        }
        if refresh and user is not None:
            with self.lock:
                self._count += 1
                token = f"{SECRET}-refresh-{self._count}-{user}"
                self._refresh[token] = (user, scopes)
            answer["refresh_token"] = token
        return answer

    def carry_out(self, request: Request, grant: Grant, fault: Fault) -> tuple[int, Any]:
        """Do what a good request asks and return status and answer."""
        route = ROUTES.get(request.name)
        if route is None:
            gone = request.path.startswith("/recommendations")
            return (404, None) if gone else (403, _said(403, "Forbidden"))
        scope, do = route
        if scope and scope not in grant.scopes:
            return 403, _said(403, "Insufficient client scope")
        with self.lock:
            return do(self, request, grant, fault)


def _said(status: int, message: str, reason: str | None = None) -> Any:
    return json.loads(error(status, message, reason).body)


def _search(spotify: SpotifyServer, request: Request, _g: Grant, _f: Fault) -> tuple[int, Any]:
    limit = int(request.query.get("limit", ["5"])[0])
    if limit > 10 or not request.query.get("q"):
        return 400, _said(400, "Invalid limit")
    found = spotify.results.get(request.query["q"][0], spotify.anything)[:limit]
    return 200, {"tracks": {"items": found, "total": len(found), "next": None, "limit": limit}}


def _me(_s: SpotifyServer, _r: Request, grant: Grant, _f: Fault) -> tuple[int, Any]:
    user = USERS[str(grant.user)]
    return 200, {name: user[name] for name in ("display_name", "account_id", "id")}


def _listed(name: str) -> Callable[..., tuple[int, Any]]:
    def answer(_s: SpotifyServer, _r: Request, grant: Grant, _f: Fault) -> tuple[int, Any]:
        return 200, {"items": USERS[str(grant.user)][name], "next": None}

    return answer


def _recent(_s: SpotifyServer, _r: Request, grant: Grant, _f: Fault) -> tuple[int, Any]:
    return 200, {"items": [{"track": track} for track in USERS[str(grant.user)]["tracks"]]}


def _own(spotify: SpotifyServer, _r: Request, grant: Grant, _f: Fault) -> tuple[int, Any]:
    items = [
        {"id": name, "name": kept.name, "description": html.escape(kept.description)}
        for name, kept in reversed(spotify.playlists.items())
        if kept.owner == grant.user
    ]
    return 200, {"items": [None, *items][:50], "next": None}


def _create(spotify: SpotifyServer, request: Request, grant: Grant, _f: Fault) -> tuple[int, Any]:
    said = request.json
    playlist_id = f"playlist{len(spotify.playlists):014d}"
    spotify.playlists[playlist_id] = Kept(
        str(grant.user), said["name"], said.get("description", ""), said.get("public", True)
    )
    return 201, {"id": playlist_id, "name": said["name"], "description": said["description"]}


def _kept(spotify: SpotifyServer, request: Request, grant: Grant) -> Kept | tuple[int, Any]:
    kept = spotify.playlists.get(request.path.split("/")[2])
    if kept is None:
        return 404, _said(404, "Resource not found")
    return kept if kept.owner == grant.user else (403, _said(403, "You do not own this playlist"))


def _items(spotify: SpotifyServer, request: Request, grant: Grant, _f: Fault) -> tuple[int, Any]:
    kept = _kept(spotify, request, grant)
    if isinstance(kept, tuple):
        return kept
    start, limit = (int(request.query[name][0]) for name in ("offset", "limit"))
    page = kept.items[start : start + limit]
    more = "more" if start + limit < len(kept.items) else None
    return 200, {"items": [{"item": {"uri": uri, "type": "track"}} for uri in page], "next": more}


def _add(spotify: SpotifyServer, request: Request, grant: Grant, fault: Fault) -> tuple[int, Any]:
    kept = _kept(spotify, request, grant)
    if isinstance(kept, tuple):
        return kept
    if not isinstance(request.json, dict) or not isinstance(request.json.get("uris"), list):
        return 400, _said(400, "No uris")
    uris = request.json["uris"]
    if len(uris) > 100:
        return 400, _said(400, "Too many ids")
    kept.items += uris if fault.keep is None else uris[: fault.keep]
    return 201, {"snapshot_id": "snapshot"}


def _devices(spotify: SpotifyServer, _r: Request, _g: Grant, _f: Fault) -> tuple[int, Any]:
    return 200, {"devices": spotify.devices}


def _play(spotify: SpotifyServer, request: Request, grant: Grant, _f: Fault) -> tuple[int, Any]:
    device = request.query.get("device_id", [None])[0]
    if not spotify.devices:
        return 404, _said(404, "Player command failed", "NO_ACTIVE_DEVICE")
    spotify.played.append((grant.user, device, request.json["uris"]))
    return 204, None


def _queue(spotify: SpotifyServer, request: Request, grant: Grant, _f: Fault) -> tuple[int, Any]:
    if not spotify.devices:
        return 404, _said(404, "Player command failed", "NO_ACTIVE_DEVICE")
    spotify.queued.append((grant.user, request.query["uri"][0]))
    return 204, None


ROUTES: dict[str, tuple[str, Callable[..., tuple[int, Any]]]] = {
    "GET /search": ("", _search),
    "GET /me": ("", _me),
    "GET /me/top/artists": ("user-top-read", _listed("artists")),
    "GET /me/top/tracks": ("user-top-read", _listed("tracks")),
    "GET /me/player/recently-played": ("user-read-recently-played", _recent),
    "GET /me/playlists": ("playlist-read-private", _own),
    "POST /me/playlists": ("playlist-modify-private", _create),
    "GET /playlists/{id}/items": ("playlist-read-private", _items),
    "POST /playlists/{id}/items": ("playlist-modify-private", _add),
    "GET /me/player/devices": ("user-read-playback-state", _devices),
    "PUT /me/player/play": ("user-modify-playback-state", _play),
    "POST /me/player/queue": ("user-modify-playback-state", _queue),
}


def pattern(path: str) -> str:
    """Return a path with ``{id}`` for the id of a playlist."""
    parts = path.split("/")
    if len(parts) > 2 and parts[1] == "playlists":
        parts[2] = "{id}"
    return "/".join(parts)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, *_: Any) -> None:
        """Say nothing: clients that give up are what this server is for."""


class _Handler(BaseHTTPRequestHandler):
    spotify: SpotifyServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._handle()

    do_POST = do_PUT = do_DELETE = do_GET

    def _handle(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        request = Request(
            self.command,
            parts.path.removeprefix("/v1"),
            parse_qs(parts.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
            body,
            parts.query,
        )
        is_api = parts.path.startswith("/v1/")
        spotify = self.spotify
        with spotify.lock:
            (spotify.requests if is_api else spotify.account_requests).append(request)
        if parts.path == "/reccobeats/audio-features":
            self._features(request)
            return
        if not is_api and parts.path != "/api/token":
            self._page(request)
            return
        fault = spotify.next_fault(request.name)
        spotify.closing.wait(fault.wait)
        if fault.until is not None:
            fault.until.wait(30)
        if is_api:
            status, answer = self._api(request, fault)
        else:
            form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            status, answer = spotify.exchange(form, request.headers.get("authorization", ""))
        spotify.closing.wait(fault.wait_after)
        if fault.drop:
            # A reset and no polite end: what a crashed proxy looks like.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            return
        if fault.status:
            self._send(fault.status, fault.body, fault.content_type, fault.headers, fault.trickle)
        else:
            text = "" if answer is None else json.dumps(answer)
            self._send(status, text, "application/json", {}, fault.trickle)

    def _api(self, request: Request, fault: Fault) -> tuple[int, Any]:
        if (fault.status or fault.drop) and not fault.carried_out and fault.keep is None:
            return 0, None
        grant = self.spotify.grant(request)
        if grant is None:
            return 401, _said(401, "The access token expired")
        if grant.user is None and request.path != "/search":
            return 401, _said(401, "Valid user authentication required")
        return self.spotify.carry_out(request, grant, fault)

    def _features(self, request: Request) -> None:
        fault = self.spotify.next_fault(request.name)
        self.spotify.closing.wait(fault.wait)
        if fault.status:
            self._send(fault.status, fault.body, fault.content_type, fault.headers)
            return
        known = self.spotify.features
        content = [
            {"id": "uuid", "href": f"https://open.spotify.com/track/{track_id}"} | known[track_id]
            for track_id in request.query["ids"][0].split(",")
            if track_id in known
        ]
        self._send(200, json.dumps({"content": content}), "application/json", {})

    def _page(self, request: Request) -> None:
        if request.path != "/authorize":
            self._send(404, "Not found", "text/plain", {})
            return
        query = {name: values[0] for name, values in request.query.items()}
        status, location, page = self.spotify.authorize(query)
        self._send(status, page, "text/html", {"Location": location} if location else {})

    def _send(
        self,
        status: int,
        text: str,
        content_type: str,
        headers: dict[str, str],
        trickle: float = 0.0,
    ) -> None:
        data = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{content_type}; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for piece in _pieces(data, trickle):
            self.wfile.write(piece)
            self.wfile.flush()
            self.spotify.closing.wait(trickle)


def _pieces(data: bytes, trickle: float) -> Iterable[bytes]:
    return [data[i : i + 1] for i in range(len(data))] if trickle else [data]
