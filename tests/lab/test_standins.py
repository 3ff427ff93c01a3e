"""The stand-ins speak as what they stand for: Ollama's answers fit its OpenAPI file."""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from tests.lab.standins import vllm
from tests.lab.standins.ollama import Ollama, seconds_of
from tests.lab.standins.store import Name
from tests.lab.standins.web import App, server

MODEL = "llama3.2:3b"
HELLO = [{"role": "user", "content": "hello there"}]


@dataclass
class Reply:
    """What came back."""

    status: int
    type: str
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def events(self) -> list[str]:
        return [event.removeprefix("data: ") for event in self.text.split("\n\n") if event]


Ask = Callable[..., Reply]


@contextmanager
def serving(app: App) -> Iterator[Ask]:
    listening = server(app, "127.0.0.1", 0)
    thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()

    def ask(path: str, body: object = None, *, method: str = "", key: str = "") -> Reply:
        content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{listening.server_address[1]}{path}"
        request = urllib.request.Request(url, content, method=method or ("GET" if content is None else "POST"))
        if key:
            request.add_header("Authorization", f"Bearer {key}")
        try:
            answer = urllib.request.urlopen(request, timeout=5)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Reply(answer.status, answer.headers["Content-Type"], answer.read().decode())

    try:
        yield ask
    finally:
        listening.shutdown()
        listening.server_close()
        thread.join()


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    """Ollama's own, made strict: a field that they do not name is a fault."""
    schemas: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "specs" / "ollama.yaml").read_text())
    for schema in schemas["components"]["schemas"].values():
        schema["additionalProperties"] = False
    return schemas


@pytest.fixture
def fits(schemas: dict[str, Any]) -> Callable[[str, object], None]:
    def check(name: str, value: object) -> None:
        jsonschema.validate(value, {"$ref": f"#/components/schemas/{name}", "components": schemas["components"]})

    return check


@pytest.fixture
def ollama(tmp_path: Path) -> Iterator[Ask]:
    with serving(Ollama(tmp_path, pull_s=0)) as ask:
        yield ask


@pytest.fixture
def pulled(ollama: Ask) -> Ask:
    assert ollama("/api/pull", {"model": MODEL, "stream": False}).json == {"status": "success"}
    return ollama


def test_ollama_is_running(ollama: Ask, fits: Callable[[str, object], None]) -> None:
    assert ollama("/").text == "Ollama is running"
    assert ollama("/", method="HEAD").status == 200
    fits("VersionResponse", ollama("/api/version").json)


def test_pull_streams_its_progress(ollama: Ask, fits: Callable[[str, object], None]) -> None:
    reply = ollama("/api/pull", {"model": MODEL})
    assert reply.type == "application/x-ndjson"
    for line in reply.lines:
        fits("StatusEvent", line)
    assert [line["status"] for line in reply.lines][-3:] == ["verifying sha256 digest", "writing manifest", "success"]
    weights = reply.lines[1]["digest"]
    first, *progress = [line for line in reply.lines if line.get("digest") == weights]
    assert "completed" not in first
    assert progress == sorted(progress, key=lambda line: line["completed"])
    assert progress[-1]["completed"] == first["total"] > 1e9


def test_pull_takes_its_time_once(tmp_path: Path) -> None:
    with serving(Ollama(tmp_path, pull_s=0.2)) as ask:
        times = [time.monotonic()]
        for _ in range(2):
            ask("/api/pull", {"model": MODEL})
            times.append(time.monotonic())
    assert times[1] - times[0] > 0.2 > times[2] - times[1]


def test_pull_that_was_given_up_goes_on_where_it_was(tmp_path: Path) -> None:
    store = Ollama(tmp_path, pull_s=0.2).store
    name = Name.parse(MODEL)
    assert name is not None
    with closing(cast("Generator[dict[str, Any]]", store.pull(name))) as given_up:
        until = [next(given_up) for _ in range(12)][-1]["completed"]
    again = [event["completed"] for event in store.pull(name) if "completed" in event]
    assert again[0] > until


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("missing-model", "pull model manifest: file does not exist"),
        ("broken-model", "max retries exceeded: unexpected EOF"),
    ],
)
def test_pull_that_fails_says_so_in_its_last_line(ollama: Ask, model: str, said: str) -> None:
    reply = ollama("/api/pull", {"model": model})
    assert (reply.status, reply.lines[0], reply.lines[-1]) == (200, {"status": "pulling manifest"}, {"error": said})
    whole = ollama("/api/pull", {"model": model, "stream": False})
    assert (whole.status, whole.json) == (500, {"error": said})
    assert ollama("/api/tags").json == {"models": []}


def test_pulled_models_outlive_the_server(pulled: Ask, tmp_path: Path, fits: Callable[[str, object], None]) -> None:
    assert (tmp_path / "manifests/registry.ollama.ai/library/llama3.2/3b").is_file()
    with serving(Ollama(tmp_path)) as ask:
        tags = ask("/api/tags").json
    assert tags == pulled("/api/tags").json
    assert [model["name"] for model in tags["models"]] == [MODEL]
    fits("ListResponse", tags)
    fits("ShowResponse", pulled("/api/show", {"model": MODEL}).json)


def test_deleted_model_is_gone_with_its_blobs(pulled: Ask, tmp_path: Path) -> None:
    assert pulled("/api/delete", {"model": MODEL}, method="DELETE").status == 200
    assert pulled("/api/tags").json == {"models": []}
    assert list((tmp_path / "blobs").iterdir()) == []


@pytest.mark.parametrize(
    ("request_line", "body", "answer"),
    [
        ("POST /api/show", {"model": "nobody"}, (404, "model 'nobody' not found")),
        ("POST /api/generate", {"model": "nobody", "prompt": "x"}, (404, "model 'nobody' not found")),
        ("POST /api/chat", {"model": "nobody", "messages": HELLO}, (404, "model 'nobody' not found")),
        ("POST /api/chat", {"messages": HELLO}, (400, "model is required")),
        ("DELETE /api/delete", {"model": "nobody"}, (404, "model 'nobody' not found")),
        ("POST /api/pull", {"model": "../etc"}, (400, "invalid model name")),
        ("POST /api/pull", b"", (400, "missing request body")),
    ],
)
def test_ollama_refuses(
    ollama: Ask, fits: Callable[[str, object], None], request_line: str, body: object, answer: tuple[int, str]
) -> None:
    method, path = request_line.split()
    reply = ollama(path, body, method=method)
    assert (reply.status, reply.json["error"]) == answer
    fits("ErrorResponse", reply.json)


def test_ollama_knows_no_other_paths(ollama: Ask) -> None:
    assert (ollama("/health").status, ollama("/health").text) == (404, "404 page not found")
    assert ollama("/api/pull").status == 405


def test_generate_and_chat_answer_whole_or_in_pieces(pulled: Ask, fits: Callable[[str, object], None]) -> None:
    for path, given, key in (
        ("generate", {"prompt": "hello there"}, "response"),
        ("chat", {"messages": HELLO}, "message"),
    ):
        whole = pulled(f"/api/{path}", {"model": MODEL, **given, "stream": False}).json
        fits(f"{path.title()}Response", whole)
        pieces = pulled(f"/api/{path}", {"model": MODEL, **given}).lines
        for piece in pieces[:-1]:
            fits(f"{path.title()}StreamEvent", piece)
        texts = [piece[key] if key == "response" else piece[key]["content"] for piece in [whole, *pieces]]
        assert texts[0] == "".join(texts[1:]) == f"I am a stand-in for {MODEL}. You said: hello there"
        assert [piece["done"] for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_model_is_loaded_until_it_is_told_to_go(pulled: Ask, fits: Callable[[str, object], None]) -> None:
    assert pulled("/api/ps").json == {"models": []}
    loaded = pulled("/api/generate", {"model": MODEL, "keep_alive": -1}).json
    assert (loaded["response"], loaded["done_reason"]) == ("", "load")
    running = pulled("/api/ps").json
    fits("PsResponse", running)
    assert [model["name"] for model in running["models"]] == [MODEL]
    assert pulled("/api/generate", {"model": MODEL, "keep_alive": 0}).json["done_reason"] == "unload"
    assert pulled("/api/ps").json == {"models": []}


@pytest.mark.parametrize(
    ("value", "seconds"), [("5m", 300), ("1h30m", 5400), (10, 10), ("0", 0), ("-1", float("inf")), (-1, float("inf"))]
)
def test_keep_alive_is_read_as_ollama_does(value: object, seconds: float) -> None:
    assert seconds_of(value) == seconds


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("llama3.2", "llama3.2:latest"),
        ("me/mine:1", "me/mine:1"),
        ("hf.co/org/repo:Q4_K_M", "hf.co/org/repo:Q4_K_M"),
        ("registry.ollama.ai/library/qwen2.5:7b", "qwen2.5:7b"),
    ],
)
def test_names_have_ollamas_defaults(text: str, shown: str) -> None:
    assert str(Name.parse(text)) == shown


@pytest.fixture
def served() -> Iterator[Ask]:
    with serving(vllm.Vllm("org/model", ["short"], ["canary"], 4096)) as ask:
        yield ask


@pytest.mark.parametrize("api", ["ollama", "vllm"])
def test_openai_api_answers_whole_or_as_events(api: str, pulled: Ask, served: Ask) -> None:
    ask, model = (pulled, MODEL) if api == "ollama" else (served, "short")
    assert [card["id"] for card in ask("/v1/models", key="canary").json["data"]] == [model]
    whole = ask("/v1/chat/completions", {"model": model, "messages": HELLO}, key="canary").json
    assert whole["object"] == "chat.completion"
    assert "You said: hello there" in whole["choices"][0]["message"]["content"]
    stream = ask("/v1/chat/completions", {"model": model, "messages": HELLO, "stream": True}, key="canary")
    assert stream.type == "text/event-stream"
    assert stream.events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in stream.events[:-1]]
    said = "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks)
    assert said == whole["choices"][0]["message"]["content"]
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    nobody = ask("/v1/chat/completions", {"model": "nobody", "messages": HELLO}, key="canary")
    assert nobody.status == 404
    assert "nobody" in nobody.json["error"]["message"]


def test_vllm_asks_for_the_key_below_v1_only(served: Ask) -> None:
    assert [served(path).status for path in ("/health", "/metrics", "/version", "/ping", "/docs")] == [200] * 5
    for key in ("", "wrong"):
        assert served("/v1/models", key=key).status == 401
        assert served("/v1/chat/completions", {"messages": HELLO}, key=key).json == {"error": "Unauthorized"}


def test_vllm_takes_the_template_s_arguments_and_no_others(capsys: pytest.CaptureFixture[str]) -> None:
    given = vllm.arguments(["org/model", "--served-model-name=x", "--gpu-memory-utilization=0.9", "--dtype=auto"])
    assert (given.model, given.served_model_name) == ("org/model", ["x"])
    with pytest.raises(SystemExit):
        vllm.arguments(["org/model", "--modle=x"])
    assert "unrecognized arguments: --modle=x" in capsys.readouterr().err
