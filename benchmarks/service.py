"""How much load a server process bears, and what visitors notice when one is killed.

    python benchmarks/service.py [--visitors 20] [--browsers 2 5 10 20] [--streams 1 2 4 8]
        [--seconds 10] [--record]
    python benchmarks/service.py --table

Two processes run behind HAProxy, with diaries in PostgreSQL and a coturn relay where they are
installed, all with the files of `deploy/`. Visitors are signed in, keep a diary, and speak
Streamlit's and WebRTC's protocols without a browser (`service_visitor.py`). They share this machine
with the service, so keep it quiet; their processor time is recorded as well. They arrive, hand in a
photo of 12 megapixels and ask for music, first one by one and then all at once. Then all of them
have a camera that their browsers read, then some have one that the server reads, through the relay
alone. Finally, while all ask for set after set, one process is killed.

Figures go to `benchmarks/out/service.json`. With --record they also become
`benchmarks/records/service.json` and the table in `docs/deployment.md`; --table only writes that
table from the record.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
import platform
import re
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from sqlalchemy import create_engine, text  # noqa: E402
from streamlit.web.server.starlette.starlette_app_utils import create_signed_value  # noqa: E402
from websockets.exceptions import ConnectionClosed  # noqa: E402

from benchmarks.page_server import twelve_megapixels  # noqa: E402
from benchmarks.service_report import RECORD, as_markdown, write_table  # noqa: E402
from benchmarks.service_visitor import (  # noqa: E402
    PATIENCE_SECONDS,
    READINGS_PER_SECOND,
    REPORT_SECONDS,
    TICK_SECONDS,
    Stream,
    Visitor,
    encoded,
)
from recommender.diary import DiaryStore  # noqa: E402
from tests.browser import service  # noqa: E402
from tests.browser.service import AppProcess, Service  # noqa: E402
from tests.postgresql import find_postgresql, run_postgresql  # noqa: E402

OUT = ROOT / "benchmarks/out/service.json"
SECRET = "a secret of this run alone, with which cookies of an identity provider are signed"
ISSUER = "https://id.example.org"
AT_ONCE = 2
"""How many times all visitors do the same at once."""
SETTLE_SECONDS = 3.0
"""Pause before a continuous load is measured."""

Result = TypeVar("Result")
Figures = dict[str, Any]


# The service


@contextmanager
def serving(folder: Path, visitors: int) -> Iterator[tuple[Service, str]]:
    """Start two processes with the balancer, relay and database around them.

    Yields:
        The service, and the address of its database.
    """
    with ExitStack() as stack:
        database = f"sqlite:///{folder}/diary.sqlite"
        if find_postgresql() is not None:
            server = stack.enter_context(run_postgresql())
            admin = create_engine(server.format("postgres"), isolation_level="AUTOCOMMIT")
            with admin.connect() as connection:
                connection.execute(text("CREATE DATABASE affectune"))
            admin.dispose()
            database = server.format("affectune").replace("+psycopg", "")
        with DiaryStore.open(database) as store:
            for number in range(visitors):
                owner = hashlib.sha256(f"{ISSUER}\n{number}".encode()).hexdigest()
                store.diary(owner).switch(True)
        secrets = folder / "secrets.toml"
        lines = (
            "[auth]",
            f'cookie_secret = "{SECRET}"',
            'client_id = "affectune"',
            'client_secret = "none"',
            f'redirect_uri = "{ISSUER}"',
            f'server_metadata_url = "{ISSUER}"',
        )
        secrets.write_text("\n".join(lines) + "\n", encoding="utf-8")
        yield (
            stack.enter_context(
                service.serve(
                    folder,
                    relay=service.find("turnserver") is not None,
                    AFFECTUNE_DATABASE_URL=database,
                    STREAMLIT_SECRETS_FILES=str(secrets),
                )
            ),
            database,
        )


def signed_in(address: str, number: int) -> Visitor:
    """Return a visitor whom the identity provider knows by a number."""
    claims = {"origin": address, "is_logged_in": True, "iss": ISSUER, "sub": str(number)}
    name = "_streamlit_user"
    cookie = create_signed_value(SECRET, name, json.dumps(claims)).decode()
    return Visitor(address, {name: cookie})


# Measuring


def processor_seconds(ids: Sequence[int]) -> float:
    """Return the processor time that processes have taken so far (Linux)."""
    total = 0
    for process in ids:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def resident(process: int) -> float:
    """Return a process's memory in MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


def spread(seconds: Sequence[float]) -> Figures:
    """Return the median and the 95th percentile of some durations."""
    return {
        "times": len(seconds),
        "p50, s": float(np.percentile(seconds, 50)),
        "p95, s": float(np.percentile(seconds, 95)),
    }


@dataclass
class Measure:
    """The service under measurement, and its visitors."""

    service: Service
    visitors: list[Visitor]

    @property
    def ids(self) -> list[int]:
        return [process.id for process in self.service.processes]

    async def each(self, action: Callable[[Visitor], Result]) -> list[Result]:
        """Have all visitors do something at once."""
        return list(
            await asyncio.gather(*(asyncio.to_thread(action, one) for one in self.visitors))
        )

    async def one_by_one(self, action: Callable[[Visitor], Result]) -> list[Result]:
        """Have all visitors do something, one after the other."""
        return [await asyncio.to_thread(action, one) for one in self.visitors]

    async def both(self, action: Callable[[Visitor], float]) -> Figures:
        """Measure an action alone and for all at once."""
        before = processor_seconds(self.ids)
        alone = await self.one_by_one(action)
        work = (processor_seconds(self.ids) - before) / len(alone)
        together = [took for _ in range(AT_ONCE) for took in await self.each(action)]
        return {
            "processor time of the app, s": work,
            "one by one": spread(alone),
            "all at once": spread(together),
        }


async def arriving(measure: Measure) -> Figures:
    before = processor_seconds(measure.ids)
    took = await measure.one_by_one(lambda one: one.arrive())
    return {
        "processor time of the app, s": (processor_seconds(measure.ids) - before) / len(took),
        "one by one": spread(took),
        "visitors of each process": [p.health()["visitors"] for p in measure.service.processes],
    }


def hand_in(photo: bytes) -> Callable[[Visitor], float]:
    def action(visitor: Visitor) -> float:
        visitor.run(page="selfie")
        took = visitor.hand_in(photo)
        assert "Happy" in visitor.title, f"The photo was read as: {visitor.title}"
        return took

    return action


def first_set(visitor: Visitor) -> float:
    took = visitor.run(press="Stay with it")
    assert len(visitor.tracks()) >= 5, "There is no music"
    return took


async def one_set(measure: Measure) -> Figures:
    """Have all visitors answer the question."""
    return {"one by one": spread(await measure.one_by_one(first_set))}


def another_set(visitor: Visitor) -> float:
    return visitor.run(press="Another set")


async def cameras_of_browsers(
    measure: Measure, counts: Sequence[int], seconds: float
) -> list[Figures]:
    """Have more and more visitors' own browsers read their camera.

    A browser draws what it reads, and reports every `REPORT_SECONDS` where nothing happens.
    """
    await measure.each(lambda one: one.start_camera(on_device=True))
    await measure.each(lambda one: one.keep_reading())
    over = threading.Event()
    reports: list[float] = []
    going: list[Awaitable[Any]] = []
    rows = []

    def go_on(visitor: Visitor) -> None:
        frames = 1
        while not over.wait(REPORT_SECONDS):
            frames += round(READINGS_PER_SECOND * REPORT_SECONDS)
            reports.append(visitor.report_reading(frames))

    for count in counts:
        for visitor in measure.visitors[len(going) : count]:
            going.append(asyncio.ensure_future(asyncio.to_thread(go_on, visitor)))
            await asyncio.sleep(REPORT_SECONDS / count)  # visitors do not all come at once
        await asyncio.sleep(SETTLE_SECONDS)
        reports.clear()
        before = processor_seconds(measure.ids)
        await asyncio.sleep(seconds)
        taken, work = list(reports), processor_seconds(measure.ids) - before
        rows.append(
            {
                "cameras": len(going),
                "reports a second, each": len(taken) / seconds / len(going),
                "to take one": spread(taken) if taken else None,
                "processors of the app, %": 100 * work / seconds,
            }
        )
        print(f"  {rows[-1]}", flush=True)
    over.set()
    await asyncio.gather(*going)
    looked = measure.visitors[: len(going)]
    assert all("Looks" in one.live_title for one in looked), "A camera was not read"
    await measure.each(lambda one: one.run(press="Stop"))
    return rows


async def cameras_of_the_server(
    measure: Measure, counts: Sequence[int], seconds: float
) -> list[Figures]:
    """Have more and more visitors send video. One more visitor asks for sets meanwhile."""
    relay = measure.service.relay
    packets = encoded()
    streams: list[tuple[Visitor, Stream]] = []
    over = threading.Event()
    going: list[Awaitable[Any]] = []
    rows = []
    bystander = measure.visitors[-1]
    await asyncio.to_thread(bystander.run, page="playlist")

    looks: list[float] = []

    def look_on(visitor: Visitor) -> None:
        while not over.is_set():
            begun = time.perf_counter()
            if (took := visitor.look()) is not None:
                looks.append(took)
            time.sleep(max(0.0, begun + TICK_SECONDS - time.perf_counter()))

    for count in counts:
        for visitor in measure.visitors[len(streams) : count]:
            await asyncio.to_thread(visitor.arrive)  # without the mood that they have
            await asyncio.to_thread(visitor.start_camera, on_device=False)
            turn = relay.ice_servers if relay else []
            streams.append((visitor, await visitor.stream(turn, packets)))
            going.append(asyncio.ensure_future(asyncio.to_thread(look_on, visitor)))
        await asyncio.sleep(SETTLE_SECONDS)
        # Rates are those of the last seconds, which begin here.
        frames = [stream.frames for _, stream in streams]
        helpers = [measure.service.balancer, *([relay.id] if relay else [])]
        before, helped, own = (
            processor_seconds(measure.ids),
            processor_seconds(helpers),
            processor_seconds([os.getpid()]),
        )
        looks.clear()
        answers, begun = [], time.perf_counter()
        while time.perf_counter() < begun + seconds:
            answers.append(await asyncio.to_thread(another_set, bystander))
            await asyncio.sleep(1.0)
        took, drawn = time.perf_counter() - begun, len(looks)
        health = [process.health() for process in measure.service.processes]
        shown = [
            (stream.frames - earlier) / took
            for (_, stream), earlier in zip(streams, frames, strict=True)
        ]
        rows.append(
            {
                "cameras": count,
                "of each process": [one["streams"] for one in health],
                "readings a second, all": sum(one["readings_per_second"] for one in health),
                "page drawn a second, each": drawn / took / count,
                "frames shown a second, slowest": min(shown),
                "processors of the app, %": 100 * (processor_seconds(measure.ids) - before) / took,
                "processors of balancer and relay, %": (
                    100 * (processor_seconds(helpers) - helped) / took
                ),
                "processors of this script, %": (
                    100 * (processor_seconds([os.getpid()]) - own) / took
                ),
                "another visitor's sets": spread(answers),
            }
        )
        print(f"  {rows[-1]}", flush=True)
    over.set()
    await asyncio.gather(*going)
    for visitor, stream in streams:
        await stream.close()
        await asyncio.to_thread(visitor.run, press="Stop")
    return rows


@dataclass
class Course:
    """What happened to a visitor who kept asking for sets.

    Attributes:
        answers: of each set, when it arrived and how many seconds it took.
        away: seconds from each loss of the connection until the page was back.
        restored: for each loss, whether the page came back with the same set.
    """

    answers: list[tuple[float, float]]
    away: list[float]
    restored: list[bool]


def go_on(visitor: Visitor, over: threading.Event) -> Course:
    """Ask for set after set; if the connection is lost, load the page again by its address."""
    course = Course([], [], [])
    while not over.is_set():
        query, tracks = visitor.kept(), visitor.tracks()
        try:
            took = another_set(visitor)
            course.answers.append((time.perf_counter(), took))
        except (ConnectionClosed, OSError):
            lost = time.perf_counter()
            while True:
                time.sleep(PATIENCE_SECONDS)
                try:
                    visitor.arrive("playlist", query)
                    break
                except (ConnectionClosed, OSError):
                    if time.perf_counter() - lost > service.START_SECONDS:
                        raise
            course.away.append(time.perf_counter() - lost)
            course.restored.append(visitor.tracks() == tracks)
        over.wait(1.0)
    return course


async def a_death(measure: Measure, sets: dict[Visitor, str], seconds: float) -> Figures:
    """Kill one of two processes while all visitors go on with their sets."""
    await measure.each(lambda one: one.arrive("playlist", sets[one]))
    dead: AppProcess = measure.service.processes[0]
    name = await process_name(measure, dead)
    hit = {one for one in measure.visitors if one.process == name}
    before = [one.moved for one in measure.visitors]
    over = threading.Event()
    going = asyncio.ensure_future(measure.each(lambda one: go_on(one, over)))
    await asyncio.sleep(seconds)
    dead.kill()
    killed = time.perf_counter()
    await asyncio.sleep(2 * seconds)
    over.set()
    courses = dict(zip(measure.visitors, await going, strict=True))
    of_it = [course for one, course in courses.items() if one in hit]
    others = [course for one, course in courses.items() if one not in hit]
    calm = [took for c in others for at, took in c.answers if at < killed]
    after = [took for c in others for at, took in c.answers if at >= killed]
    moved = sum(one.moved - earlier for one, earlier in zip(measure.visitors, before, strict=True))
    return {
        "visitors of the killed process": len(of_it),
        "connected again": sum(len(course.away) == 1 for course in of_it),
        "sets restored": sum(sum(course.restored) for course in of_it),
        "until the page was there again": spread([took for c in of_it for took in c.away]),
        "other visitors": len(others),
        "of them lost their connection": sum(len(course.away) for course in others),
        "their sets, before": spread(calm),
        "their sets, after": spread(after),
        "given another process": moved,
        "errors logged by the other process": measure.service.processes[1].health()["errors"],
    }


async def process_name(measure: Measure, process: AppProcess) -> str | None:
    """Return the balancer's name for a process: one visitor leaves, to see which process it was."""
    member = measure.visitors[0]
    before = process.health()["visitors"]
    everywhere = sum(one.health()["visitors"] for one in measure.service.processes)
    await asyncio.to_thread(member.leave)
    while sum(one.health()["visitors"] for one in measure.service.processes) == everywhere:
        await asyncio.sleep(0.1)
    its_own = process.health()["visitors"] < before
    await asyncio.to_thread(member.arrive, "playlist", member.kept())
    names = {one.process for one in measure.visitors}
    return next((name for name in names if (name == member.process) == its_own), None)


def kept_in_diaries(database: str, visitors: int) -> int:
    """Return how many visitors have an entry."""
    with DiaryStore.open(database) as store:
        owners = (
            hashlib.sha256(f"{ISSUER}\n{number}".encode()).hexdigest() for number in range(visitors)
        )
        return sum(bool(store.diary(owner).entries()) for owner in owners)


async def measured(found: Service, database: str, options: argparse.Namespace) -> Figures:
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(options.visitors + 16))
    photo = twelve_megapixels()
    for process in found.processes:
        # The first visitor of a process waits for its networks and its catalogue.
        await asyncio.to_thread(warm_up, process.address, photo)
    measure = Measure(
        found, [signed_in(found.address, number) for number in range(options.visitors)]
    )
    figures: Figures = {
        "when": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": processor_name(),
        "cores": os.cpu_count(),
        "processes": len(found.processes),
        "visitors": options.visitors,
        "database": database.partition(":")[0],
        "relay": "coturn" if found.relay else None,
    }
    rest = [resident(process) for process in measure.ids]
    sets: dict[Visitor, str] = {}
    steps: dict[str, Callable[[], Awaitable[Any]]] = {
        "page": lambda: arriving(measure),
        "photo": lambda: measure.both(hand_in(photo)),
        "first set": lambda: one_set(measure),
        "another set": lambda: measure.both(another_set),
        "cameras read in the browser": lambda: cameras_of_browsers(
            measure, options.browsers, options.seconds
        ),
        "cameras read by the server": lambda: cameras_of_the_server(
            measure, options.streams, options.seconds
        ),
        "a killed process": lambda: a_death(measure, sets, options.seconds / 2),
    }
    for name, step in steps.items():
        begun = time.perf_counter()
        figures[name] = await step()
        print(f"{name} ({time.perf_counter() - begun:.0f} s): {figures[name]}", flush=True)
        if name == "first set":
            held = sum(resident(process) for process in measure.ids) - sum(rest)
            figures["memory"] = {
                "a process at rest, MB": max(rest),
                "a visitor, MB": max(0.0, held) / options.visitors,
            }
        if name == "another set":
            sets |= {one: one.kept() for one in measure.visitors}
            figures["requests that went to another process"] = sum(
                one.moved for one in measure.visitors
            )
    figures["visitors with a diary entry"] = kept_in_diaries(database, options.visitors)
    return figures


def warm_up(address: str, photo: bytes) -> None:
    visitor = Visitor(address)
    visitor.arrive()
    hand_in(photo)(visitor)
    first_set(visitor)
    visitor.leave()


def processor_name() -> str:
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    return found[1] if found else platform.processor()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--visitors", type=int, default=20)
    parser.add_argument("--browsers", type=int, nargs="*", default=[2, 5, 10, 20])
    parser.add_argument("--streams", type=int, nargs="*", default=[1, 2, 4, 8])
    parser.add_argument("--seconds", type=float, default=10, help="how long to measure cameras")
    parser.add_argument("--record", action="store_true", help="keep the figures, write the table")
    parser.add_argument("--table", action="store_true", help="only write the table again")
    options = parser.parse_args()
    if options.table:
        write_table()
        return
    if service.find("haproxy") is None:
        parser.error("HAProxy is not installed: make services")
    begun = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as home,
        serving(Path(home), options.visitors) as (found, database),
    ):
        figures = asyncio.run(measured(found, database, options))
    figures["took, s"] = time.perf_counter() - begun
    for path in (OUT, *([RECORD] if options.record else [])):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(f"\n{as_markdown(figures)}")
    if options.record:
        write_table()


if __name__ == "__main__":
    main()
