"""Runs the code of access pages as it stands there, against the lab's stand-ins behind what the proxy asks for."""

from __future__ import annotations

import base64
import os
import re
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runner import snippets
from runner.domain import Record
from tests.lab.standins import chatterbox, ollama, pictures, tgi, vllm
from tests.lab.standins.web import Answer, App, Request, as_json, server
from tests.test_templates import TEMPLATES

VALUES = {
    "access_token": "tok-en_0123456789abcdef",
    "access_password": "pass word: \"'$x",
    "api_key": "key-of-its-own-1",
}
TIMEOUT_S = 120


def value(secret: str) -> str:
    """Of a secret, in these tests."""
    return VALUES.get(secret, f"value-of-{secret}")


def app(name: str, folder: Path) -> App:
    """What answers for a template; it asks for its own key or password itself."""
    key, model = (
        value("api_key"),
        str(TEMPLATES[name].params["model"].default if "model" in TEMPLATES[name].params else ""),
    )
    made: dict[str, Any] = {
        "vllm": lambda: vllm.Vllm(model, [], [key], 4096),
        "llamacpp": lambda: vllm.Vllm(model, [], [key], 4096),
        "tgi": lambda: tgi.Tgi(model, key),
        "comfyui": lambda: pictures.ComfyUi([]),
        "automatic1111": lambda: pictures.WebUi(["--api"]),
        "chatterbox-tts": lambda: chatterbox.chatterbox,
        "ollama": lambda: _ollama(folder, model),
        "jupyter": lambda: _jupyter,
        "desktop": lambda: _desktop,
    }
    ready: App = made.get(name, lambda: lambda _: Answer(b"here"))()
    return ready


def _ollama(folder: Path, model: str) -> App:
    made = ollama.Ollama(folder, pull_s=0)
    made(Request("POST", "/api/pull", {}, b'{"model": "%s", "stream": false}' % model.encode()))
    return made


def _jupyter(request: Request) -> Answer:
    if request.path == "/api":
        return as_json({"version": "2"})
    if request.headers.get("Authorization") != f"token {value('password')}":
        return as_json({"message": "Forbidden"}, 403)
    known = {"/api/contents", "/api/kernels"}
    return (
        as_json({"content": [], "id": "x"}, 201 if request.method == "POST" else 200)
        if request.path in known
        else as_json({}, 404)
    )


def _desktop(request: Request) -> Answer:
    right = "Basic " + base64.b64encode(f"desk:{value('password')}".encode()).decode()
    return Answer(b"here") if request.headers.get("Authorization") == right else Answer(status=401)


def walled(inside: App, auth: str) -> App:
    """What the proxy does: lets nobody through without proof, and takes the proof away."""
    pair = base64.b64encode(f"slipway:{value('access_password')}".encode()).decode()
    bearer, own = f"Bearer {value('access_token')}", value("access_token")

    def wall(request: Request) -> Answer:
        sent = {name.title(): text for name, text in request.headers.items()}
        if auth == "token" and bearer != sent.get("Authorization") and own != sent.get("X-Slipway-Token"):
            return Answer(b"a token is needed", 401)
        if auth == "basic" and sent.get("Authorization") != f"Basic {pair}":
            return Answer(status=401)
        if auth == "basic" or sent.get("Authorization") == bearer:
            sent.pop("Authorization")
        sent.pop("X-Slipway-Token", None)
        return inside(Request(request.method, request.path, sent, request.body))

    return wall


@contextmanager
def listening(inside: App, port: int, certificate: Path | None) -> Iterator[None]:
    """The app at a port, by TLS where there is a certificate (with its key in the same file)."""
    with server(inside, "127.0.0.1", port) as line:
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            line.socket = context.wrap_socket(line.socket, server_side=True)
        thread = threading.Thread(target=line.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            line.shutdown()
            thread.join()


def certificate(folder: Path) -> tuple[Path, Path]:
    """(the certificate alone, with its key) for 127.0.0.1, of nobody's authority."""
    alone, both = folder / "ca.pem", folder / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=lab"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(both), "-out", str(alone)]
    subprocess.run(command, check=True, capture_output=True)
    both.write_text(both.read_text() + alone.read_text())
    return alone, both


@dataclass(frozen=True)
class Tools:
    """What runs code of each language."""

    python: str = sys.executable
    clients: bool = False
    """Whether that Python has the packages openai and ollama."""
    node: str = shutil.which("node") or ""

    def lacks(self, snippet: Mapping[str, str]) -> str:
        """What is missing here to run it; empty when nothing is."""
        code = snippet["code"]
        if snippet["language"] == "javascript":
            return "" if self.node else "node"
        if snippet["language"] == "python":
            found = [
                name for name in ("openai", "ollama") if re.search(rf"^(import|from) {name}\b", code, re.MULTILINE)
            ]
            return "" if self.clients or not found else found[0]
        return next(
            (
                word
                for word in ("jq", "curl", "OLLAMA_HOST")
                if word in code and not shutil.which(word.lower().partition("_")[0])
            ),
            "",
        )


def run(
    snippet: Mapping[str, str], folder: Path, record: Record, tools: Tools, secrets: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The code as it stands on the page, in the repository's folder, with the variables that the page names."""
    lines = snippet["code"].splitlines()
    env = {
        "PATH": f"{_strict_curl(folder)}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "NO_PROXY": "127.0.0.1",
        "no_proxy": "127.0.0.1",
    }
    env |= secrets or {snippets.variable(name): value(name) for name in record.spec["secrets"]}
    if snippet["language"] == "javascript":
        env |= dict(
            word.split("=", 1)
            for word in lines[0].removeprefix("// ").split()
            if lines[0].startswith("//") and "=" in word
        )
        (folder / "FILE.mjs").write_text(snippet["code"])
        command = [tools.node, "FILE.mjs"]
    elif snippet["language"] == "python":
        command = [tools.python, "-c", snippet["code"]]
    else:
        command = ["bash", "-eo", "pipefail", "-c", snippet["code"]]
    return subprocess.run(
        command,
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
        stdin=subprocess.DEVNULL,
    )


def _strict_curl(folder: Path) -> Path:
    """A folder with a curl for which 401 is a failure, as it is for every other language."""
    program = folder / "bin/curl"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nexec {shutil.which("curl")} --silent --fail-with-body "$@"\n')
    program.chmod(0o755)
    return program.parent
