"""A visitor without a browser: Streamlit's messages, cookies, uploads and WebRTC.

A browser's own work, mostly drawing, is left out: twenty browsers would need their own machine.
"""

from __future__ import annotations

import asyncio
import fractions
import itertools
import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import av
import requests
from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCSessionDescription,
    rtcrtpreceiver,
)
from aiortc.mediastreams import MediaStreamError
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.sync.client import ClientConnection, connect

from tests.browser import clips

COOKIE = "AFFECTUNE"
"""The balancer's cookie, which names a visitor's process."""
XSRF_COOKIE = "_streamlit_xsrf"
ANSWER_SECONDS = 120.0
"""How long to wait for an answer."""
TICK_SECONDS = 0.4
"""How often the live page looks at its camera."""
PATIENCE_SECONDS = 0.5
"""Pause before connecting again, as long as Streamlit's first."""


@dataclass(slots=True)
class Element:
    """A widget or component on the page: its id, its fragment, and what Python gave it."""

    id: str
    fragment: str
    data: dict[str, Any] = field(default_factory=dict)


class Visitor:
    """A visitor, with cookies of their own.

    Args:
        address: of the service.
        cookies: those that they already have, such as an identity provider's.
    """

    def __init__(self, address: str, cookies: dict[str, str] | None = None) -> None:
        self._address = address
        self._http = requests.Session()
        self._http.headers["Connection"] = "close"  # each request on a connection of its own
        self._http.cookies.update(cookies or {})
        self._socket: ClientConnection | None = None
        self._session = ""
        self._pages: dict[str, str] = {}
        self._page = ""
        self._states: dict[str, WidgetState] = {}
        self.elements: dict[str, Element] = {}
        self.title = ""
        self.tick = ""
        self.moved = 0

    @property
    def process(self) -> str | None:
        """What the balancer calls the process that it gave this visitor."""
        return self._http.cookies.get(COOKIE)

    def get(self, path: str) -> requests.Response:
        """Fetch something besides the page."""
        before = self.process
        answer = self._http.get(self._address + path, timeout=ANSWER_SECONDS)
        self.moved += before is not None and self.process != before
        return answer

    def arrive(self, page: str = "", query: str = "") -> float:
        """Open a page, and return the seconds until all of it was sent."""
        self.leave()
        begun = time.perf_counter()
        # What a browser asks for before it connects.
        for path in (f"/{page}", "/_stcore/health", "/_stcore/host-config"):
            self.get(path).raise_for_status()
        jar = "; ".join(f"{name}={value}" for name, value in self._http.cookies.items())
        token = self._http.cookies.get(XSRF_COOKIE) or ""
        self._socket = connect(
            f"ws://{urlsplit(self._address).netloc}/_stcore/stream",
            origin=self._address,  # type: ignore[arg-type]
            additional_headers={"Cookie": jar},
            subprotocols=["streamlit", token] if token else ["streamlit"],  # type: ignore[list-item]
            max_size=None,
            open_timeout=ANSWER_SECONDS,
        )
        answer = self._socket.response
        new = answer.headers.get_all("Set-Cookie") if answer else []
        self.moved += any(line.startswith(f"{COOKIE}=") for line in new)
        self._states, self._pages, self.elements = {}, {}, {}
        self.run(page=page, query=query)
        return time.perf_counter() - begun

    def leave(self) -> None:
        """Close the page."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def run(
        self,
        *,
        page: str | None = None,
        press: str | None = None,
        fragment: str = "",
        query: str = "",
    ) -> float:
        """Ask for a run, and return the seconds until its last message.

        Args:
            page: the path of a page, by default the one that is open.
            press: the label of a button.
            fragment: the id of the fragment to run instead of all.
            query: of the address.
        """
        message = BackMsg()
        run = message.rerun_script
        if page is not None:
            self._page = self._pages.get(page, "")
            run.page_name = "" if self._page else page
        run.page_script_hash = self._page
        run.query_string = query
        run.fragment_id, run.is_auto_rerun = fragment, bool(fragment)
        run.context_info.url = self._address
        run.widget_states.widgets.extend(self._states.values())
        if press is not None:
            button = self.elements[f"button {press}"]
            run.widget_states.widgets.add(id=button.id, trigger_value=True)
        begun = time.perf_counter()
        self._send(message)
        over = (
            (ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY, ForwardMsg.FINISHED_SUCCESSFULLY)
            if fragment
            else (ForwardMsg.FINISHED_SUCCESSFULLY,)
        )
        while True:
            found = self._receive()
            if found.WhichOneof("type") == "script_finished" and found.script_finished in over:
                return time.perf_counter() - begun

    def set_state(self, name: str, value: dict[str, Any]) -> None:
        """Set what a component sends with the next run."""
        element = self.elements[name]
        self._states[element.id] = WidgetState(id=element.id, json_value=json.dumps(value))

    def hand_in(self, photo: bytes) -> float:
        """Upload a photo, and return the seconds until its reading was sent."""
        begun = time.perf_counter()
        message = BackMsg()
        message.file_urls_request.request_id = "1"
        message.file_urls_request.file_names.append("me.jpg")
        message.file_urls_request.session_id = self._session
        self._send(message)
        while (found := self._receive()).WhichOneof("type") != "file_urls_response":
            pass
        urls: FileURLs = found.file_urls_response.file_urls[0]
        before = self.process
        self._http.put(
            self._address + urls.upload_url,
            files={"me.jpg": ("me.jpg", photo, "image/jpeg")},
            headers={"X-Xsrftoken": self._http.cookies.get(XSRF_COOKIE) or ""},
            timeout=ANSWER_SECONDS,
        ).raise_for_status()
        self.moved += self.process != before
        uploader = self.elements["file_uploader A photo with your face"]
        state = WidgetState(id=uploader.id)
        state.file_uploader_state_value.uploaded_file_info.add(
            name="me.jpg", size=len(photo), file_id=urls.file_id, file_urls=urls
        )
        self._states[uploader.id] = state
        self.run()
        del self._states[uploader.id]
        return time.perf_counter() - begun

    def tracks(self) -> list[str]:
        """Return the ids of the set on the page, in playing order."""
        found = self.elements.get("affectune.track_list")
        assert found is not None, f"There is no set on the page: {self.title}, {[*self.elements]}"
        return [row["id"] for row in found.data["rows"]]

    def kept(self) -> str:
        """Return the query of the page's address, which restores the set."""
        data = self.elements["affectune.state_backup"].data
        return f"{data['parameter']}={data['mine']}" if data["mine"] else ""

    # The live camera

    def start_camera(self, *, on_device: bool) -> None:
        """Open the live page and start the camera."""
        self.run(page="live")
        if "affectune.device_camera" in self.elements:
            self.set_state("affectune.device_camera", {"able": on_device})
        report = {"secure": True, "allowed": True}
        self.set_state("affectune.live_probe", {"report": report})
        self.run()
        if not on_device:
            self.set_state(WEBRTC, {"playing": False})
        press = {"asked": 1, "answered": 1, "error": ""}
        self.set_state("affectune.live_probe", {"report": report, "press": press})
        self.run()

    def report_reading(self, frames: int) -> float:
        """Say what the browser has read, and return the seconds until the server has taken it."""
        camera = self.elements["affectune.device_camera"]
        news = {
            "capture": camera.data["capture"],
            "frames": frames,
            "silence": 0.0,
            "reading": reading_at(frames / READINGS_PER_SECOND),
            "rest": None,
        }
        self.set_state("affectune.device_camera", {"able": True, "news": news})
        return self.run(fragment=camera.fragment)

    def keep_reading(self) -> None:
        """Report a face, and ask to be read continuously."""
        self.report_reading(1)
        self.run()
        self.run(press="Keep reading")

    @property
    def live_title(self) -> str:
        """The heading that the server hands to a browser that reads the camera itself."""
        return str(self.elements["affectune.live_reading"].data["first"])

    def look(self) -> float | None:
        """Have the live page look at its camera, and return how long that took."""
        if "button Keep reading" in self.elements:
            self.run(press="Keep reading")
            self.elements.pop("button Keep reading", None)
        return self.run(fragment=self.tick) if self.tick else None

    async def stream(self, turn: list[dict[str, Any]], packets: list[av.Packet]) -> Stream:
        """Connect the camera to the server over WebRTC."""
        stream = Stream(turn, packets)
        offer = await stream.offer()
        self.set_state(WEBRTC, {"playing": False, "sdpOffer": offer})
        deadline = time.monotonic() + ANSWER_SECONDS
        while not (answer := self.elements[WEBRTC].data.get("sdp_answer_json")):
            assert time.monotonic() < deadline, "The server does not answer the offer"
            await asyncio.to_thread(self.run)
        await stream.take(json.loads(answer))
        self.set_state(WEBRTC, {"playing": True})
        await asyncio.to_thread(self.run)
        return stream

    def _send(self, message: BackMsg) -> None:
        assert self._socket is not None, "The visitor has not arrived"
        self._socket.send(message.SerializeToString())

    def _receive(self) -> ForwardMsg:
        assert self._socket is not None, "The visitor has not arrived"
        data = self._socket.recv(timeout=ANSWER_SECONDS)
        message = ForwardMsg()
        message.ParseFromString(data if isinstance(data, bytes) else data.encode())
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._session = message.new_session.initialize.session_id or self._session
            if not message.metadata.run.fragment_ids:
                self.elements, self.tick = {}, ""
        elif kind == "navigation":
            self._page = message.navigation.page_script_hash
            self._pages = {
                page.url_pathname: page.page_script_hash for page in message.navigation.app_pages
            }
        elif kind == "auto_rerun":
            self.tick = message.auto_rerun.fragment_id
        elif kind == "delta":
            self._draw(message)
        return message

    def _draw(self, message: ForwardMsg) -> None:
        element = message.delta.new_element
        kind, fragment = element.WhichOneof("type"), message.delta.fragment_id
        if kind in ("button", "file_uploader"):
            found = getattr(element, kind)
            self.elements[f"{kind} {found.label}"] = Element(found.id, fragment)
        elif kind == "bidi_component":
            component = element.bidi_component
            text = component.json or component.mixed.json
            data = json.loads(text) if text else {}
            self.elements[component.component_name] = Element(component.id, fragment, data)
        elif kind == "component_instance":
            instance = element.component_instance
            data = json.loads(instance.json_args)
            self.elements[instance.component_name] = Element(instance.id, fragment, data)
        elif kind == "heading" and element.heading.tag == "h1":
            self.title = element.heading.body


WEBRTC = "streamlit_webrtc.component.webrtc_streamer"
READINGS_PER_SECOND = 15.0
"""How often a browser reads; it reports the latest reading."""
REPORT_SECONDS = 5.0
"""Interval of a browser's reports where nothing happens, as in ``device_camera.js``."""


def reading_at(seconds: float) -> dict[str, Any]:
    """Return what a browser reports of a smiling face, as `ui.live.device` expects it."""
    happy = [0.02, 0.01, 0.02, 0.86, 0.02, 0.03, 0.04]
    box = {"x": 250, "y": 80, "width": 130, "height": 130}
    face = {"identity": 1, "box": box, "emotion": "happy", "probabilities": happy}
    return {
        "time": seconds,
        "emotion": "happy",
        "probabilities": happy,
        "stableFor": seconds,
        "faces": [face],
    }


def encoded(seconds: float = 4.0, rate: int = clips.RATE) -> list[av.Packet]:
    """Return the smiling astronaut as VP8, encoded once for all streams.

    Every second has a key frame: nothing is encoded again for a server that has lost one.
    """
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt = clips.WIDTH, clips.HEIGHT, "yuv420p"
    encoder.time_base = fractions.Fraction(1, rate)
    encoder.gop_size = rate
    encoder.bit_rate = 900_000
    encoder.options = {"deadline": "realtime", "cpu-used": "-6", "error-resilient": "1"}
    packets: list[av.Packet] = []
    for number, picture in enumerate(clips.smiling(seconds, rate)):
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
        frame.pts, frame.time_base = number, encoder.time_base
        packets += encoder.encode(frame)
    return [*packets, *encoder.encode()]


class Film(MediaStreamTrack):
    """A camera that plays packets in a loop, at their frame rate."""

    kind = "video"

    def __init__(self, packets: list[av.Packet], rate: int = clips.RATE) -> None:
        super().__init__()
        self._frames: Iterator[tuple[int, av.Packet]] = enumerate(itertools.cycle(packets))
        self._rate = rate
        self._begun = 0.0

    async def recv(self) -> av.Packet:
        number, packet = next(self._frames)
        self._begun = self._begun or time.perf_counter()
        await asyncio.sleep(max(0.0, self._begun + number / self._rate - time.perf_counter()))
        found = av.Packet(bytes(packet))
        found.pts, found.time_base = number, fractions.Fraction(1, self._rate)
        return found


class _Undecoded:
    """Stands in for a decoder: frames that come back are counted, not decoded."""

    def decode(self, frame: Any) -> list[Any]:
        return [frame]


class Stream:
    """One live camera's connection, through a relay alone if there is one.

    Args:
        turn: ICE servers.
        packets: what the camera shows.
    """

    def __init__(self, turn: list[dict[str, Any]], packets: list[av.Packet]) -> None:
        rtcrtpreceiver.get_decoder = lambda _codec: _Undecoded()  # type: ignore[assignment]
        self._relayed = bool(turn)
        self.frames = 0
        self._connection = RTCPeerConnection(
            RTCConfiguration([RTCIceServer(**server) for server in turn])
        )
        self._connection.on("track", self._on_track)
        self._connection.addTrack(Film(packets))
        (transceiver,) = self._connection.getTransceivers()
        known = RTCRtpSender.getCapabilities("video").codecs
        transceiver.setCodecPreferences([one for one in known if one.mimeType == "video/VP8"])

    async def offer(self) -> dict[str, str]:
        """Return the offer for the server."""
        await self._connection.setLocalDescription(await self._connection.createOffer())
        mine = self._connection.localDescription
        return {"type": mine.type, "sdp": self._without_direct_candidates(mine.sdp)}

    async def take(self, answer: dict[str, str]) -> None:
        """Take the server's answer, and wait until they are connected."""
        sdp = self._without_direct_candidates(answer["sdp"])
        await self._connection.setRemoteDescription(RTCSessionDescription(sdp, answer["type"]))
        deadline = time.monotonic() + ANSWER_SECONDS
        while self._connection.connectionState != "connected":
            assert time.monotonic() < deadline, "No connection to the server"
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._counting = asyncio.ensure_future(self._count(track))

    async def _count(self, track: MediaStreamTrack) -> None:
        with suppress(MediaStreamError):  # it has ended
            while True:
                await track.recv()
                self.frames += 1

    def _without_direct_candidates(self, sdp: str) -> str:
        if not self._relayed:
            return sdp
        lines = sdp.splitlines(keepends=True)
        return "".join(
            line for line in lines if not line.startswith("a=candidate:") or " typ relay" in line
        )
