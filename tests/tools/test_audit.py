"""`make audit` against a database of our own: what it says is passed on, and silence is never an answer."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FAULT = {
    "id": "GHSA-aaaa-bbbb-cccc",
    "summary": "It lets everybody in",
    "modified": "2026-01-01T00:00:00Z",
    "published": "2026-01-01T00:00:00Z",
    "affected": [
        {
            "package": {"name": "click", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        }
    ],
}


class Database(BaseHTTPRequestHandler):
    faulty: ClassVar[str] = ""
    status: ClassVar[int] = 200

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["queries"]
        found = [{"vulns": [FAULT]} if one["package"]["name"] == self.faulty else {} for one in asked]
        self.answer({"results": found})

    def do_GET(self) -> None:
        self.answer(FAULT)

    def answer(self, document: object) -> None:
        body = json.dumps(document).encode()
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Not here."""


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setattr(Database, "faulty", "")
    monkeypatch.setattr(Database, "status", 200)
    server = ThreadingHTTPServer(("127.0.0.1", 0), Database)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def audit(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "tools/audit", "--service-url", url], capture_output=True, text=True, check=False)


def test_nothing_known_is_well(database: str) -> None:
    done = audit(database)
    assert (done.returncode, "did not answer" in done.stderr) == (0, False)


def test_known_vulnerability_fails_and_is_named(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "faulty", "click")
    done = audit(database)
    assert done.returncode == 1
    assert "GHSA-aaaa-bbbb-cccc" in done.stdout
    assert "click" in done.stdout


def test_database_that_does_not_answer_is_no_good_news(database: str, free_port: Callable[[], int]) -> None:
    done = audit(f"http://127.0.0.1:{free_port()}")
    assert (done.returncode, "nobody" in done.stderr or "nothing is known" in done.stderr) == (3, True)


def test_database_that_answers_nonsense_is_no_good_news(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Database, "status", 503)
    assert audit(database).returncode == 3
