"""Models of Ollama: what is missing is downloaded, as far as the time goes, from a server that speaks like Ollama."""

from __future__ import annotations

import runpy
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ansible_plugins.module_run import PLUGINS, run_module
from tests.lab.standins.ollama import Ollama
from tests.lab.standins.web import Answer, App, Request, as_json, server

SMALL, OTHER = "all-minilm:22m", "llama3.2:3b"


@contextmanager
def serving(app: App) -> Iterator[str]:
    listening = server(app, "127.0.0.1", 0)
    listening.RequestHandlerClass.log_message = lambda *_: None  # type: ignore[attr-defined]  # the module's answer is alone
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.server_address[1]}"
    finally:
        listening.shutdown()
        thread.join()
        listening.server_close()


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with serving(Ollama(tmp_path, pull_s=0)) as found:
        yield found


def pull(url: str, *models: str, **more: Any) -> dict[str, Any]:
    return run_module("ollama_pull", url=url, models=list(models), **more)


def test_what_is_missing_is_downloaded_once(url: str) -> None:
    foreseen = pull(url, SMALL, OTHER, check=True)
    assert (foreseen["changed"], foreseen["pulled"]) == (True, [SMALL, OTHER])
    first = pull(url, SMALL)
    assert (first["changed"], first["done"], first["pulled"]) == (True, True, [SMALL])
    assert pull(url, SMALL, OTHER)["pulled"] == [OTHER]
    again = pull(url, SMALL, OTHER)
    assert (again["changed"], again["done"], again["pulled"]) == (False, True, [])


def test_tag_that_is_left_out_is_latest(url: str) -> None:
    assert pull(url, "moondream")["changed"]
    assert not pull(url, "moondream:latest", "moondream")["changed"]


def test_time_that_is_over_says_how_far_it_is_and_the_next_call_goes_on(tmp_path: Path) -> None:
    with serving(Ollama(tmp_path, pull_s=2)) as url:
        first = pull(url, OTHER, budget_s=0.5)
        assert (first["changed"], first["done"], first["model"]) == (True, False, OTHER)
        assert 0 < first["completed"] < first["total"]
        second = pull(url, OTHER, budget_s=0.1)
        assert second.get("completed", second.get("done")) >= first["completed"]
        assert pull(url, OTHER, budget_s=60)["done"]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("missing:1b", "pull model manifest: file does not exist"),
        ("broken:1b", "max retries exceeded"),
        ("a b", "invalid"),
    ],
)
def test_no_of_the_server_is_told_in_its_words(url: str, model: str, words: str) -> None:
    answer = pull(url, model)
    assert (answer["failed"], answer["cause"]) == (True, "model-not-pulled")
    assert words in answer["msg"]


def test_dry_run_before_the_first_start_is_no_failure(free_port: Callable[[], int]) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    assert pull(nobody, SMALL, check=True)["pulled"] == [SMALL]
    assert f"the Ollama API at {nobody} does not answer" in pull(nobody, SMALL)["msg"]


def broken_off() -> Iterator[bytes]:
    yield b'{"status": "pulling", "total": 10, "completed": 5}\n'
    raise ConnectionAbortedError


def falls_silent() -> Iterator[bytes]:
    yield b'{"status": "pulling", "total": 10, "completed": 5}\n'
    threading.Event().wait(1)


def only(pieces: Callable[[], Iterator[bytes]]) -> App:
    """A server without models, whose downloads are these."""

    def app(request: Request) -> Answer:
        return as_json({"models": []}) if request.path == "/api/tags" else Answer(pieces())

    return app


def test_download_that_breaks_off_is_a_named_failure() -> None:
    with serving(only(broken_off)) as url:
        answer = pull(url, SMALL)
    assert answer["cause"] == "model-not-pulled"
    assert f"the server ended the download of {SMALL} without success" in answer["msg"]


def test_server_that_falls_silent_has_got_as_far_as_it_said() -> None:
    program = runpy.run_path(str(PLUGINS / "modules" / "ollama_pull.py"), run_name="module")
    program["pull"].__globals__["TIMEOUT_S"] = 0.2
    with serving(only(falls_silent)) as url:
        assert program["pull"](url, SMALL, False, float("inf")) == (5, 10)
