"""An image that its registry gives to those only who log in: pulled by the engine here, nothing is left."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from runner.ansible_plugins.module_utils.password_hash import bcrypt
from tests import ports
from tests.conftest import RepoBuilder
from tests.lab import ready

pytestmark = pytest.mark.docker

USER, PASSWORD = "somebody", "canary-registry-41d7-pa$$"
SETTINGS = "registries: {{{address}: {{username: somebody, password: env:LAB_REGISTRY}}}}\n"


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], check=True, capture_output=True, text=True).stdout.strip()


@dataclass(frozen=True)
class Private:
    """A registry that asks for a password, and an image that only it has."""

    address: str
    image: str


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Private]:
    registry, tiny = ready.image("registry"), ready.image("tiny")
    name, address = f"slipway-private-{uuid.uuid4().hex[:8]}", f"127.0.0.1:{ports.free()}"
    users = tmp_path_factory.mktemp("users") / "htpasswd"
    users.write_text(f"{USER}:{bcrypt(PASSWORD).replace('$2b$', '$2y$', 1)}\n")
    told = ["REGISTRY_AUTH=htpasswd", "REGISTRY_AUTH_HTPASSWD_REALM=lab", "REGISTRY_AUTH_HTPASSWD_PATH=/htpasswd"]
    env = [word for one in told for word in ("--env", one)]
    docker("create", "--name", name, "--publish", f"{address}:5000", *env, registry)
    try:
        docker("cp", str(users), f"{name}:/htpasswd")
        docker("start", name)
        wait(address)
        image = f"{address}/{name}:1"
        push(tiny, image, address)
        yield Private(address, image)
        subprocess.run(["docker", "rmi", "--force", image], check=False, capture_output=True)
    finally:
        docker("rm", "--force", "--volumes", name)


def wait(address: str) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            urllib.request.urlopen(f"http://{address}/v2/", timeout=2)
        except urllib.error.HTTPError:
            return  # it asks who we are
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def push(source: str, image: str, address: str) -> None:
    docker("tag", source, image)
    with tempfile.TemporaryDirectory() as folder:
        login = ["docker", "--config", folder, "login", "--username", USER, "--password-stdin", address]
        subprocess.run(login, input=PASSWORD, text=True, check=True, capture_output=True)
        docker("--config", folder, "push", image)
    docker("rmi", image)


@pytest.fixture
def made(repo: RepoBuilder, private: Private) -> Iterator[RepoBuilder]:
    subprocess.run(["docker", "rmi", private.image], check=False, capture_output=True)
    image, number = private.image, ports.free()
    service = "command: [httpd, -f, -p, '8080', -h, /etc]\n  ports: {web: 8080}\n  health: {path: /hostname}\n"
    head = "template: custom\nprovider: local\nmachine: {engine: docker}\n"
    text = f"{head}params: {{image: '{image}'}}\nports: {{web: {number}}}\nservice:\n  {service}"
    repo.deployment("web", text)
    identity = f"id: t-{uuid.uuid4().hex[:8]}\n"
    repo.settings(identity)
    yield repo
    repo.run("destroy", "web", "--yes", "--allow-destroy")


def told(repo: RepoBuilder, *arguments: str, code: int, env: dict[str, str] | None = None) -> dict[str, str]:
    """What is said of the one deployment."""
    done = repo.run("--json", *arguments, env=env)
    assert done.returncode == code, done.stdout + done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    document = json.loads(done.stdout)
    found: dict[str, str] = (document.get("results") or document["actions"])[0]
    return found


def declare(repo: RepoBuilder, private: Private) -> None:
    settings = repo.root / "runner.yaml"
    settings.write_text(settings.read_text() + SETTINGS.format(address=private.address))


def test_without_a_login_the_plan_says_which_line_to_write(made: RepoBuilder, private: Private) -> None:
    action = told(made, "plan", code=4)
    assert action["code"] == "registry-denied"
    assert f"registries: {{{private.address}: {{username: NAME, password: env:REGISTRY_PASSWORD}}}}" in action["hint"]


def test_without_its_password_the_plan_says_what_to_set(made: RepoBuilder, private: Private) -> None:
    declare(made, private)
    action = told(made, "plan", code=4)
    assert (action["code"], action["hint"]) == ("missing-secret-value", "export LAB_REGISTRY=… and run again")


def test_a_wrong_password_is_no_missing_image(made: RepoBuilder, private: Private) -> None:
    declare(made, private)
    result = told(made, "reconcile", "--yes", code=1, env={"LAB_REGISTRY": "wrong-canary-8812"})
    assert result["code"] == "registry-denied"
    assert f"registries.{private.address}" in result["hint"]


def test_with_the_login_it_is_pulled_and_nothing_keeps_the_password(
    made: RepoBuilder, private: Private, tmp_path: Path
) -> None:
    declare(made, private)
    home = tmp_path / "home"
    home.mkdir()
    env = {"LAB_REGISTRY": PASSWORD, "HOME": str(home)}
    result = told(made, "reconcile", "--yes", code=0, env=env)
    assert result["result"] == "changed"
    assert told(made, "plan", code=0)["action"] == "none"  # what is there needs no login any more
    assert not list(home.rglob("config.json"))
    places = [path for top in (made.root, home, made.home) for path in top.rglob("*") if path.is_file()]
    assert [str(path) for path in places if PASSWORD.encode() in path.read_bytes()] == []
    assert PASSWORD not in docker("inspect", *docker("ps", "--all", "--quiet").split())
