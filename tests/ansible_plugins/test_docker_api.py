"""The client against a fake engine: what a real one does too rarely to wait for."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

import pytest

from runner.ansible_plugins.module_utils import docker_api
from runner.ansible_plugins.module_utils.docker_api import Docker, listing, split_reference
from runner.ansible_plugins.module_utils.docker_causes import explain
from runner.ansible_plugins.module_utils.docker_socket import DockerError, DockerUnreachable, fetch, socket_path

Answer = tuple[int, bytes]
NO_EXIT = b'{"message": "tried to kill container, but did not receive an exit event"}'


class Fake:
    """An engine whose answers are a function of (method, path), and which remembers what was asked."""

    def __init__(self, path: Path, answer: Callable[[str], Answer], version: str) -> None:
        self.asked: list[str] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def handle_any(self) -> None:
                fake.asked.append(f"{self.command} {self.path}")
                status, body = (200, b"OK") if self.path == "/_ping" else answer(self.path)
                self.send_response(status)
                self.send_header("Api-Version", version)
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - http.server calls them so

            def address_string(self) -> str:
                return "unix"

            def log_message(self, *arguments: Any) -> None:
                pass

        self.server = ThreadingUnixStreamServer(str(path), Handler)


@contextmanager
def engine(folder: Path, answer: Callable[[str], Answer], version: str = "1.41") -> Iterator[tuple[Docker, list[str]]]:
    fake = Fake(folder / "engine.sock", answer, version)
    thread = threading.Thread(target=fake.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Docker(str(folder / "engine.sock")), fake.asked
    finally:
        fake.server.shutdown()
        thread.join()
        fake.server.server_close()


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


@pytest.mark.parametrize(("theirs", "ours"), [("1.40", "1.40"), ("1.41", "1.41"), ("1.99", "1.47")])
def test_version_is_negotiated_once(tmp_path: Path, theirs: str, ours: str) -> None:
    with engine(tmp_path, lambda _: (200, b"[]"), theirs) as (docker, asked):
        docker.containers({"b": "2", "a": "1"})
        docker.containers({})
    assert asked[0] == "GET /_ping"
    assert [path.split("/")[1] for path in asked[1:]] == [f"v{ours}", f"v{ours}"]
    assert "filters=%7B%22label%22%3A+%5B%22a%3D1%22%2C+%22b%3D2%22%5D%7D" in asked[1]


@pytest.mark.parametrize(("refusals", "attempts"), [([], 1), ([500, 409], 3)])
def test_removal_by_force_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusals: list[int], attempts: int
) -> None:
    monkeypatch.setattr(docker_api, "REMOVE_PAUSES_S", (0.0, 0.0))
    with engine(tmp_path, lambda _: (refusals.pop(0), NO_EXIT) if refusals else (204, b"")) as (docker, asked):
        docker.remove("web", force=True)
    assert sum(line.startswith("DELETE") for line in asked) == attempts


@pytest.mark.parametrize(("status", "force", "attempts"), [(500, True, 3), (500, False, 1), (400, True, 1)])
def test_removal_that_does_not_succeed_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: int, force: bool, attempts: int
) -> None:
    monkeypatch.setattr(docker_api, "REMOVE_PAUSES_S", (0.0, 0.0))
    with (
        engine(tmp_path, lambda _: (status, NO_EXIT)) as (docker, asked),
        pytest.raises(DockerError, match="exit event"),
    ):
        docker.remove("web", force=force)
    assert sum(line.startswith("DELETE") for line in asked) == attempts


def test_one_question_needs_no_negotiation(tmp_path: Path) -> None:
    with engine(tmp_path, lambda _: (200, b'[{"Id": "a"}]')) as (docker, asked):
        assert fetch(docker.path, listing({"a": "1"})) == [{"Id": "a"}]
    assert asked == ["GET /containers/json?all=1&filters=%7B%22label%22%3A+%5B%22a%3D1%22%5D%7D"]


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (500, b'{"message": "out of order"}', "^out of order$"),
        (200, b'[{"Id": "a"}, {"I', "broke the connection .*journalctl -u docker"),
        (200, b"", "broke the connection"),
    ],
)
def test_question_that_is_not_answered_in_full_fails(tmp_path: Path, status: int, body: bytes, says: str) -> None:
    with engine(tmp_path, lambda _: (status, body)) as (docker, _), pytest.raises(DockerError, match=says):
        fetch(docker.path, "/containers/json")


def test_pull_fails_on_an_error_inside_a_good_answer(tmp_path: Path) -> None:
    lines = [{"status": "Pulling"}, {"error": "no space left on device", "errorDetail": {}}, {"status": "?"}]
    body = b"\r\n".join(json.dumps(line).encode() for line in lines)
    with (
        engine(tmp_path, lambda _: (200, body)) as (docker, asked),
        pytest.raises(DockerError, match="no space") as caught,
    ):
        docker.pull("reg:5000/a/b:c")
    assert caught.value.status == 200
    assert asked[-1].endswith("/images/create?fromImage=reg%3A5000%2Fa%2Fb&tag=c")


def test_lines_of_two_streams_do_not_mix(tmp_path: Path) -> None:
    body = frame(1, b"a\nb") + frame(2, b"err") + frame(1, b"c\r\nd\n") + frame(2, b"or\n") + frame(1, b"end")

    def answer(path: str) -> Answer:
        return 200, b'{"Config": {"Tty": false}}' if path.endswith("/json") else body

    with engine(tmp_path, answer) as (docker, _):
        assert list(docker.logs("x")) == ["a", "bc", "d", "error", "end"]


def test_terminal_output_has_no_frames(tmp_path: Path) -> None:
    def answer(path: str) -> Answer:
        return 200, b'{"Config": {"Tty": true}}' if path.endswith("/json") else b"one\r\ntwo"

    with engine(tmp_path, answer) as (docker, _):
        assert list(docker.logs("x")) == ["one", "two"]


def test_gone_is_quiet_and_refused_is_not(tmp_path: Path) -> None:
    with engine(tmp_path, lambda _: (404, b'{"message": "No such container"}')) as (docker, _):
        assert docker.inspect("x") is None
        docker.remove("x")
        docker.remove_volume("x")
        with pytest.raises(DockerError, match="No such container"):
            docker.start("x")
    (tmp_path / "engine.sock").unlink()
    with engine(tmp_path, lambda _: (500, b"not JSON")) as (docker, _), pytest.raises(DockerError, match="not JSON"):
        docker.remove("x")


def test_unreachable_says_why(tmp_path: Path) -> None:
    with pytest.raises(DockerUnreachable, match="does not exist") as caught:
        Docker(str(tmp_path / "none.sock")).ping()
    assert caught.value.reason == "missing"
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf.sock"))
    with pytest.raises(DockerUnreachable, match="not running") as caught:
        Docker(str(tmp_path / "deaf.sock")).ping()
    assert caught.value.reason == "refused"


def test_socket_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    assert socket_path() == "/var/run/docker.sock"
    monkeypatch.setenv("DOCKER_HOST", "unix:///run/user/1000/docker.sock")
    assert socket_path() == "/run/user/1000/docker.sock"
    assert socket_path("/given.sock") == "/given.sock"
    monkeypatch.setenv("DOCKER_HOST", "tcp://user:secret@host:2375")
    with pytest.raises(DockerUnreachable, match="only unix:// sockets can") as caught:
        socket_path()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("busybox", ("busybox", "latest")),
        ("quay.io/jupyter/base-notebook:2025-10-20", ("quay.io/jupyter/base-notebook", "2025-10-20")),
        ("reg:5000/a/b", ("reg:5000/a/b", "latest")),
        ("reg:5000/a/b:c@sha256:0a", ("reg:5000/a/b", "sha256:0a")),
    ],
)
def test_reference_is_split(reference: str, parts: tuple[str, str]) -> None:
    assert split_reference(reference) == parts


HOOK = "OCI runtime create failed: error running prestart hook #0: nvidia-container-cli: "


@pytest.mark.parametrize(
    ("said", "code", "words"),
    [
        (
            "programming external connectivity: Bind for 127.0.0.1:8888 failed: port is already allocated",
            "port-taken",
            "port 8888 ",
        ),
        (
            "Error starting userland proxy: listen tcp4 0.0.0.0:443: bind: address already in use",
            "port-taken",
            "port 443 ",
        ),
        (
            "failed to bind host port for 127.0.0.1:8188:172.17.0.2:8188/tcp: address already in use",
            "port-taken",
            "port 8188 ",
        ),
        (
            'could not select device driver "nvidia" with capabilities: [[gpu]]',
            "gpu-runtime-missing",
            "container toolkit",
        ),
        ("write /var/lib/docker/tmp/x: no space left on device", "disk-full", "docker system df"),
        ("No such image: a/b:1", "image-not-found", "a/b:1"),
        ("manifest for a/b:1 not found: manifest unknown: manifest unknown", "image-not-found", "a/b:1"),
        (
            "pull access denied for a/b, repository does not exist: denied: requested access to the resource is denied",
            "registry-denied",
            "registries: in runner.yaml",
        ),
        ('Head "https://r/v2/a/manifests/1": no basic auth credentials', "registry-denied", "registries:"),
        ("error from registry: denied: permission_denied: read_package", "registry-denied", "registries:"),
        ("toomanyrequests: You have reached your pull rate limit", "registry-throttled", "with an account"),
        (
            'Get "https://r/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
            "registry-certificate",
            "certs.d",
        ),
        (
            'Get "https://r/v2/": x509: certificate has expired or is not yet valid: current time 2019-01-01T00:00:00Z',
            "registry-certificate",
            "timedatectl",
        ),
        ('Get "https://r/v2/": http: server gave HTTP response to HTTPS client', "registry-certificate", "no TLS"),
        (
            "no matching manifest for linux/arm64/v8 in the manifest list entries",
            "image-other-machine",
            "another machine",
        ),
        (
            "failed to create task for container: failed to start shim: dial unix /run/x: connection refused",
            "engine-failed",
            "failed to start shim",
        ),
        ("log driver: the file does not exist", "engine-failed", "log driver"),
        (
            f"{HOOK}requirement error: unsatisfied condition: cuda>=12.8, please update your driver",
            "driver-too-old",
            "",
        ),
        (f"{HOOK}initialization error: nvml error: driver not loaded: unknown", "gpu-driver", "nvidia-smi"),
        (f"{HOOK}initialization error: load library failed: libnvidia-ml.so.1: cannot open", "gpu-driver", "loaded"),
        (f"{HOOK}device error: 7: unknown device: unknown", "gpu-absent", "nvidia-smi -L"),
        (f"{HOOK}container error: so new that nobody knows", "engine-failed", "so new"),
        (
            "CDI device injection failed: unresolvable CDI devices nvidia.com/gpu=0",
            "gpu-not-described",
            "nvidia-ctk cdi generate",
        ),
        (
            "failed to create task for container: unknown or invalid runtime name: nvidia",
            "gpu-runtime-missing",
            "container toolkit",
        ),
        (
            'Get "https://registry/v2/": dial tcp: lookup registry: no such host',
            "registry-unreachable",
            "proxy",
        ),
        ('exec: "serve": executable file not found in $PATH', "engine-failed", "serve"),
        ("network lan not found", "engine-failed", "network lan"),
    ],
)
def test_causes(said: str, code: str, words: str) -> None:
    cause = explain(DockerError(500, said), "a/b:1")
    assert cause.code == code
    assert words in cause.message
