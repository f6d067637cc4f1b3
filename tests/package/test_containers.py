"""The containers say the same as the Makefile, the requirements and the documents."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from ui.live.ice import ice_servers

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DEPLOYMENT = (ROOT / "docs/deployment.md").read_text(encoding="utf-8")
SERVICES: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))[
    "services"
]


def test_image_and_server_install_what_make_run_installs_and_two_extras() -> None:
    assert "-r requirements-app.txt" in DOCKERFILE
    assert "call install,requirements-app.txt" in MAKEFILE
    assert "--no-deps -r requirements-no-deps.txt" in DOCKERFILE
    assert "-c constraints.txt" in DOCKERFILE
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    for requirement in (*extras["postgres"], *extras["login"]):
        assert f"'{requirement}'" in DOCKERFILE
        assert f"'{requirement}'" in MAKEFILE
    for version in re.findall(r"^FROM python:([\d.]+)", DOCKERFILE, re.MULTILINE):
        assert f"Tested with Python {version} " in (ROOT / "constraints.txt").read_text()


def test_the_image_has_what_browsers_read_with_as_make_run_has_it() -> None:
    (command,) = re.findall(r"npm ci .*?--loglevel=error", DOCKERFILE)
    assert command in re.sub(r"\\\n\s*", "", MAKEFILE)
    assert "COPY --from=reading /reading/node_modules node_modules" in DOCKERFILE


def test_a_server_runs_what_make_run_runs() -> None:
    unit = (ROOT / "deploy/affectune@.service").read_text(encoding="utf-8")
    (home,) = re.findall(r"^WorkingDirectory=(.*)$", unit, re.MULTILINE)
    (command,) = re.findall(r"^ExecStart=(.*)$", unit, re.MULTILINE)
    assert command.removeprefix(f"{home}/.venv/bin/") == "streamlit run app.py"
    assert "$(BIN)/streamlit run app.py" in MAKEFILE
    # And the balancer finds the processes that the document starts.
    (ports,) = re.findall(r"^systemctl enable --now ((?:affectune@\d+ ?)+)$", DEPLOYMENT, re.M)
    started = re.findall(r"@(\d+)", ports)
    settings = (ROOT / "deploy/affectune.env").read_text(encoding="utf-8")
    assert f"\nAFFECTUNE_PROCESSES={len(started)}\n" in settings
    balancer = (ROOT / "deploy/haproxy.cfg").read_text(encoding="utf-8")
    assert re.findall(r"server app\d+ 127\.0\.0\.1:(\d+)", balancer) == started


def test_the_document_fills_in_every_placeholder() -> None:
    (fill,) = re.findall(r"^fill\(\) .*\n.*$", DEPLOYMENT, re.MULTILINE)
    places = set(re.findall(r"s/([\w.-]+)/\$\w+/g", fill))
    assert len(places) == 4
    text = ""
    for name in re.findall(r"^fill (\S+) >", DEPLOYMENT, re.MULTILINE):
        text += (ROOT / "deploy" / name).read_text(encoding="utf-8")
    for place in places:
        assert place in text
        text = text.replace(place, "")
    assert "example" not in text


def test_a_server_has_only_settings_that_are_documented() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    text = (ROOT / "deploy/affectune.env").read_text(encoding="utf-8")
    settings = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert {
        name for name in settings if f"`{name}`" not in readme and name not in DEPLOYMENT
    } == set()
    ice = ice_servers({"AFFECTUNE_ICE_SERVERS": settings["AFFECTUNE_ICE_SERVERS"].strip("'")})
    compose = SERVICES["app"]["environment"]["AFFECTUNE_ICE_SERVERS"]
    assert len(ice[0]["urls"]) == compose.count("turn:")


def test_image_runs_the_app_as_an_unprivileged_user() -> None:
    (command,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    assert f"$(BIN)/{' '.join(json.loads(command))}" in MAKEFILE
    assert DOCKERFILE.index("USER affectune") < DOCKERFILE.index("HEALTHCHECK")


def test_the_image_holds_every_folder_that_the_app_uses_and_no_other() -> None:
    copied = set(re.findall(r"^COPY (\S+) \1$", DOCKERFILE, re.MULTILINE))
    assert copied == {"emotion", "recommender", "model", "notebooks", "ui", "pages", "static"}
    let_in = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for path in (*copied, "app.py", ".streamlit/config.toml", "constraints.txt"):
        assert (ROOT / path).exists()
        assert f"!{path}" in let_in


def test_both_relays_have_the_same_settings() -> None:
    lines = (ROOT / "deploy/turnserver.conf").read_text(encoding="utf-8").splitlines()
    of_the_file = {line for line in lines if line and not line.startswith("#")}
    started = {option.removeprefix("--") for option in SERVICES["turn"]["command"]}

    def fixed(settings: set[str]) -> set[str]:
        return {s for s in settings if not s.startswith(("external-ip=", "realm=", "user="))}

    assert fixed(of_the_file) == fixed(started)
    assert {
        "no-multicast-peers",
        "lt-cred-mech",
        "denied-peer-ip=10.0.0.0-10.255.255.255",
    } < started


def test_only_what_is_documented_is_set_and_everything_has_to_be_filled_in() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in SERVICES["app"]["environment"]:
        assert f"`{name}`" in readme or name in DEPLOYMENT
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    example = (ROOT / "deploy/example.env").read_text(encoding="utf-8")
    needed = set(re.findall(r"\$\{(\w+)", text))
    assert needed == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    ice = SERVICES["app"]["environment"]["AFFECTUNE_ICE_SERVERS"]
    servers = json.loads(re.sub(r"\$\{(\w+)[^}]*\}", r"\1", ice))
    assert servers[0]["urls"][0] == "turn:TURN_HOST:3478"


def test_the_containers_of_the_app_know_how_many_they_are() -> None:
    app = SERVICES["app"]
    assert app["environment"]["AFFECTUNE_PROCESSES"] == str(app["deploy"]["replicas"])


def test_nothing_but_the_balancer_is_reached_and_only_from_this_machine() -> None:
    published = {name: service.get("ports", []) for name, service in SERVICES.items()}
    assert {name for name, ports in published.items() if ports} == {"balancer"}
    assert published["balancer"] == ["127.0.0.1:8501:8080"]


@pytest.mark.parametrize("containers", [{"AFFECTUNE_CONTAINERS": "1"}, {}], ids=["containers", ""])
def test_the_balancer_understands_its_file(containers: dict[str, str]) -> None:
    haproxy = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
    if haproxy is None:
        pytest.skip("HAProxy is not installed")
    command = [haproxy, "-c", "-f", str(ROOT / "deploy/haproxy.cfg")]
    environment = {k: v for k, v in os.environ.items() if k != "AFFECTUNE_CONTAINERS"} | containers
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert checked.returncode == 0, checked.stderr
    assert "warning" not in checked.stderr.lower()
