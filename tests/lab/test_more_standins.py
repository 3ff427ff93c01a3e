"""The stand-ins for TGI, ComfyUI, AUTOMATIC1111 and Chatterbox. TGI's answers fit its OpenAPI file; for the others
there is none, so what their templates' snippets ask for is asked for.
"""

from __future__ import annotations

import base64
import json
import wave
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from tests.lab.standins.chatterbox import VOICES, chatterbox
from tests.lab.standins.pictures import ComfyUi, WebUi
from tests.lab.standins.tgi import Tgi, arguments
from tests.lab.standins.web import Answer, App, Request

PNG = b"\x89PNG\r\n\x1a\n"
KEY = {"Authorization": "Bearer secret"}
HELLO = {"messages": [{"role": "user", "content": "hello"}]}
Fits = Callable[[str, object], None]


def ask(app: App, path: str, body: object = None, **headers: str) -> Answer:
    method = "GET" if body is None else "POST"
    return app(Request(method, path, headers, b"" if body is None else json.dumps(body).encode()))


def whole(answer: Answer) -> bytes:
    return answer.content if isinstance(answer.content, bytes) else b"".join(answer.content)


def document(answer: Answer) -> Any:
    return json.loads(whole(answer))


def events(answer: Answer) -> list[Any]:
    lines = [line.removeprefix(b"data:").strip() for line in whole(answer).split(b"\n\n") if line]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


@pytest.fixture(scope="module")
def fits() -> Fits:
    """TGI's own schemas, made strict: a field that they do not name is a fault."""
    schemas = yaml.safe_load((Path(__file__).parent / "specs" / "tgi.yaml").read_text())
    for schema in schemas["components"]["schemas"].values():
        if "properties" in schema:
            schema["additionalProperties"] = False
    nullable(schemas)

    def check(name: str, value: object) -> None:
        jsonschema.validate(value, {"$ref": f"#/components/schemas/{name}", **schemas})

    return check


def nullable(node: Any) -> None:
    """OpenAPI 3.0 says `nullable`, which JSON Schema does not know."""
    for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        nullable(inner)
    if isinstance(node, dict) and node.pop("nullable", False):
        rest = dict(node)
        node.clear()
        node["anyOf"] = [rest, {"type": "null"}]


def test_tgi_answers_as_its_specification_says(fits: Fits) -> None:
    tgi = Tgi("owner/model", "secret")
    assert ask(tgi, "/health").status == 200
    fits("Info", document(ask(tgi, "/info")))
    fits("ModelInfo", document(ask(tgi, "/v1/models"))["data"][0])
    made = document(ask(tgi, "/generate", {"inputs": "hello"}, **KEY))
    fits("GenerateResponse", made)
    pieces = events(ask(tgi, "/generate_stream", {"inputs": "hello"}, **KEY))
    for piece in pieces:
        fits("StreamResponse", piece)
    assert "".join(piece["token"]["text"] for piece in pieces) == made["generated_text"] == pieces[-1]["generated_text"]


def test_tgi_speaks_openais_api_too() -> None:
    tgi = Tgi("owner/model")
    said = document(ask(tgi, "/v1/chat/completions", HELLO))["choices"][0]["message"]["content"]
    chunks = events(ask(tgi, "/v1/chat/completions", {**HELLO, "stream": True}))
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == said


def test_tgi_asks_for_the_key_where_text_is_made(fits: Fits) -> None:
    tgi = Tgi("owner/model", "secret")
    assert [ask(tgi, path, {"inputs": "x"}).status for path in ("/generate", "/v1/chat/completions")] == [401, 401]
    assert [ask(tgi, path).status for path in ("/health", "/info", "/metrics", "/docs")] == [200] * 4
    wrong = ask(tgi, "/generate", {"input": "x"}, **KEY)
    fits("ErrorResponse", document(wrong))
    assert (wrong.status, ask(tgi, "/nothing").status) == (422, 404)


def test_tgi_ends_at_an_option_that_it_does_not_know(capsys: pytest.CaptureFixture[str]) -> None:
    assert arguments(["--model-id=a/b", "--quantize=awq"]).quantize == "awq"
    with pytest.raises(SystemExit):
        arguments(["--max-len=1"])
    assert "--max-len" in capsys.readouterr().err


def test_comfyui_queues_a_workflow_and_has_the_picture() -> None:
    comfy = ComfyUi(["--fast"])
    assert document(ask(comfy, "/system_stats"))["system"]["argv"] == ["--fast"]
    assert document(ask(comfy, "/queue")) == {"queue_running": [], "queue_pending": []}
    queued = document(ask(comfy, "/prompt", {"prompt": {"9": {"class_type": "SaveImage"}}}))
    assert document(ask(comfy, "/history"))[queued["prompt_id"]]["status"]["completed"]
    assert whole(ask(comfy, "/view")).startswith(PNG)
    assert (ask(comfy, "/prompt", {}).status, ask(comfy, "/health").status) == (400, 404)


def test_automatic1111_has_an_api_only_when_it_is_told_so() -> None:
    painted = document(ask(WebUi(["--api"]), "/sdapi/v1/txt2img", {"prompt": "a lighthouse", "steps": 20}))
    assert base64.b64decode(painted["images"][0]).startswith(PNG)
    without = WebUi([])
    assert (ask(without, "/sdapi/v1/options").status, ask(without, "/internal/ping").status) == (404, 200)


def test_chatterbox_speaks_with_a_voice_that_it_has() -> None:
    assert document(ask(chatterbox, "/api/model-info"))["loaded"]
    voice = document(ask(chatterbox, "/get_predefined_voices"))[0]["filename"]
    assert voice in VOICES
    spoken = ask(chatterbox, "/v1/audio/speech", {"model": "chatterbox", "voice": voice, "input": "hello"})
    with wave.open(BytesIO(whole(spoken))) as sound:
        assert sound.getnframes() > 0
    nobody = ask(chatterbox, "/v1/audio/speech", {"model": "chatterbox", "voice": "nobody.wav", "input": "hello"})
    assert (nobody.status, ask(chatterbox, "/v1/audio/speech", {"input": "x"}).status) == (404, 422)
