"""A stand-in for Ollama: its HTTP API as tests need it, with answers that are made up.

Names choose what happens: a model with `missing` in its name is not in the library, one with `broken` fails half-way.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from .store import Model, Name, PullError, Store, moment
from .web import Answer, Request, as_events, as_json, as_lines, serve_for_ever

VERSION = "0.35.1"
FOR_EVER = float("inf")


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Ollama:
    """One server. `pull_s` is how long a pull takes."""

    def __init__(self, folder: Path, *, pull_s: float = 1, keep_alive: str = "5m", context: int = 4096) -> None:
        self.store = Store(folder, pull_s)
        self.keep_alive = keep_alive
        self.context = context
        self.gpu = os.environ.get("NVIDIA_VISIBLE_DEVICES", "void") not in {"", "void", "none"}
        self.loaded: dict[str, float] = {}
        self.routes: dict[tuple[str, str], Callable[[Request], Answer]] = {
            ("GET", "/"): lambda _: Answer(b"Ollama is running"),
            ("GET", "/api/version"): lambda _: as_json({"version": VERSION}),
            ("GET", "/api/tags"): lambda _: as_json({"models": [model.summary() for model in self.store.models()]}),
            ("GET", "/api/ps"): lambda _: as_json({"models": self._running()}),
            ("POST", "/api/show"): self._show,
            ("POST", "/api/pull"): self._pull,
            ("DELETE", "/api/delete"): self._delete,
            ("POST", "/api/generate"): self._generate,
            ("POST", "/api/chat"): self._chat,
            ("GET", "/v1/models"): lambda _: as_json(self._openai_models()),
            ("POST", "/v1/chat/completions"): self._openai_chat,
        }

    def __call__(self, request: Request) -> Answer:
        """The answer to one request."""
        method = "GET" if request.method == "HEAD" else request.method
        route = self.routes.get((method, request.path))
        if not route:
            known = any(path == request.path for _, path in self.routes)
            return Answer(b"405 method not allowed", 405) if known else Answer(b"404 page not found", 404)
        try:
            return route(request)
        except Refused as refused:
            if request.path.startswith("/v1/"):
                kind = {400: "invalid_request_error", 404: "not_found_error"}.get(refused.status, "api_error")
                error = {"message": str(refused), "type": kind, "param": None, "code": None}
                return as_json({"error": error}, refused.status)
            return as_json({"error": str(refused)}, refused.status)

    def _show(self, request: Request) -> Answer:
        model = self._wanted(_body(request))
        return as_json(
            {
                "modified_at": moment(model.modified),
                "parameters": 'stop "<|eot_id|>"',
                "template": "{{ .Prompt }}",
                "details": model.details(),
                "model_info": {"general.architecture": model.family, f"{model.family}.context_length": 131072},
                "capabilities": ["completion", "tools"],
            }
        )

    def _pull(self, request: Request) -> Answer:
        body = _body(request)
        name = Name.parse(_model(body))
        if not name:
            raise Refused(400, "invalid model name")
        if body.get("stream", True):
            return as_lines(_until_it_fails(self.store.pull(name)))
        try:
            *_, last = self.store.pull(name)
        except PullError as error:
            raise Refused(500, str(error)) from error
        return as_json(last)

    def _delete(self, request: Request) -> Answer:
        body = _body(request)
        model = self._wanted(body)
        self.store.delete(Name.parse(model.name) or sys.exit("a model without a name"))
        self.loaded.pop(model.name, None)
        return Answer()

    def _generate(self, request: Request) -> Answer:
        body = _body(request)
        model, prompt = self._wanted(body), str(body.get("prompt") or "")
        unloaded = self._load(model, body)
        if not prompt:
            return as_json({**_head(model), "response": "", "done": True, "done_reason": unloaded or "load"})
        words = _words(model, prompt)
        pieces: Iterator[dict[str, Any]] = iter([{**_head(model), "response": word, "done": False} for word in words])
        if body.get("stream", True):
            return as_lines(iter([*pieces, {**_head(model), "response": "", **_figures(prompt, words)}]))
        return as_json({**_head(model), "response": "".join(words), **_figures(prompt, words)})

    def _chat(self, request: Request) -> Answer:
        body = _body(request)
        if not _model(body):
            raise Refused(400, "model is required")
        model, messages = self._wanted(body), body.get("messages") or []
        unloaded = self._load(model, body)
        if not messages:
            return as_json({**_head(model), **_message(""), "done": True, "done_reason": unloaded or "load"})
        prompt = _said(messages)
        words = _words(model, prompt)
        pieces = [{**_head(model), **_message(word), "done": False} for word in words]
        if body.get("stream", True):
            return as_lines(iter([*pieces, {**_head(model), **_message(""), **_figures(prompt, words)}]))
        return as_json({**_head(model), **_message("".join(words)), **_figures(prompt, words)})

    def _openai_models(self) -> dict[str, Any]:
        models = self.store.models()
        entry = {"object": "model", "owned_by": "library"}
        return {"object": "list", "data": [{"id": m.name, "created": int(m.modified), **entry} for m in models]}

    def _openai_chat(self, request: Request) -> Answer:
        body = _body(request)
        if not body.get("messages"):
            raise Refused(400, "[] is too short - 'messages'")
        model = self._wanted(body)
        self._load(model, body)
        return openai_chat(body, model.name, _words(model, _said(body["messages"])), "fp_ollama")

    def _wanted(self, body: dict[str, Any]) -> Model:
        asked = _model(body)
        name = Name.parse(asked)
        if not name or not (model := self.store.find(name)):
            raise Refused(404, f"model '{asked}' not found")
        return model

    def _load(self, model: Model, body: dict[str, Any]) -> str:
        """Keep it in memory as long as asked; `unload` when it is asked to go."""
        seconds = seconds_of(body.get("keep_alive", self.keep_alive))
        if seconds == 0:
            self.loaded.pop(model.name, None)
            return "unload"
        self.loaded[model.name] = time.time() + seconds
        return ""

    def _running(self) -> list[dict[str, Any]]:
        now = time.time()
        self.loaded = {name: until for name, until in self.loaded.items() if until > now}
        models = {model.name: model for model in self.store.models()}
        shown = []
        for name, until in self.loaded.items():
            summary = models[name].summary()
            del summary["modified_at"]
            vram = summary["size"] if self.gpu else 0
            ends = moment(min(until, now + 9e9))  # Ollama's for ever is some 300 years
            shown.append({**summary, "expires_at": ends, "size_vram": vram, "context_length": self.context})
        return shown


def openai_chat(body: dict[str, Any], model: str, words: list[str], fingerprint: str) -> Answer:
    """The answer of OpenAI's API, whole or as events."""
    prompt, completion = len(_said(body["messages"]).split()), len(words)
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    head = {"id": f"chatcmpl-{time.time_ns() % 1000}", "created": int(time.time()), "model": model}
    head["system_fingerprint"] = fingerprint
    if not body.get("stream"):
        message = {"role": "assistant", "content": "".join(words)}
        choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "stop"}
        return as_json({**head, "object": "chat.completion", "choices": [choice], "usage": usage})
    deltas: list[dict[str, Any]] = [{"delta": {"role": "assistant", "content": word}} for word in words]
    deltas.append({"delta": {"role": "assistant", "content": ""}, "finish_reason": "stop"})
    chunk = {**head, "object": "chat.completion.chunk"}
    chunks = [{**chunk, "choices": [{"index": 0, "finish_reason": None, **delta}]} for delta in deltas]
    if (body.get("stream_options") or {}).get("include_usage"):
        chunks.append({**chunk, "choices": [], "usage": usage})
    return as_events(iter(chunks))


def seconds_of(value: Any) -> float:
    """How long `keep_alive` is: a number of seconds or a duration of Go, for ever when negative."""
    if isinstance(value, int | float):
        return FOR_EVER if value < 0 else float(value)
    if re.fullmatch(r"-?\d+", value):
        return seconds_of(int(value))
    if not re.fullmatch(r"-?(\d+(\.\d+)?(ms|s|m|h))+", value):
        raise Refused(400, f'time: invalid duration "{value}"')
    if value.startswith("-"):
        return FOR_EVER
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+)(ms|s|m|h)", value))


def _until_it_fails(events: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """An error comes as the last line: the status line has long been sent."""
    try:
        yield from events
    except PullError as error:
        yield {"error": str(error)}


def _body(request: Request) -> dict[str, Any]:
    if not request.body:
        raise Refused(400, "missing request body")
    try:
        body = json.loads(request.body)
    except ValueError as error:
        raise Refused(400, f"invalid JSON: {error}") from error
    if not isinstance(body, dict):
        raise Refused(400, "json: cannot unmarshal the body into an object")
    return body


def _model(body: dict[str, Any]) -> str:
    return str(body.get("model") or body.get("name") or "")  # `name` is the old word


def _said(messages: list[dict[str, Any]]) -> str:
    """The last message, whose content is a text or a list of parts."""
    content = messages[-1].get("content") or ""
    return content if isinstance(content, str) else " ".join(part.get("text", "") for part in content)


def _words(model: Model, prompt: str) -> list[str]:
    return re.findall(r"\S+\s*", f"I am a stand-in for {model.name}. You said: {prompt}")


def _message(text: str) -> dict[str, Any]:
    return {"message": {"role": "assistant", "content": text}}


def _head(model: Model) -> dict[str, Any]:
    return {"model": model.name, "created_at": moment(time.time())}


def _figures(prompt: str, words: list[str]) -> dict[str, Any]:
    """The end of an answer; durations are nanoseconds."""
    evaluated = {"prompt_eval_count": len(prompt.split()), "prompt_eval_duration": 2_000_000}
    produced = {"eval_count": len(words), "eval_duration": 10_000_000 * len(words)}
    total = {"total_duration": 13_000_000 + produced["eval_duration"], "load_duration": 1_000_000}
    return {"done": True, "done_reason": "stop", **total, **evaluated, **produced}


def main() -> None:
    """`ollama serve`, and the few other words that people type into a container."""
    environment, words = os.environ, sys.argv[1:] or ["help"]
    host, _, port = environment.get("OLLAMA_HOST", "127.0.0.1:11434").rpartition(":")
    match words:
        case ["serve"]:
            app = Ollama(
                Path(environment.get("OLLAMA_MODELS") or Path.home() / ".ollama" / "models"),
                pull_s=float(environment.get("STAND_IN_PULL_S", "1")),
                keep_alive=environment.get("OLLAMA_KEEP_ALIVE") or "5m",
                context=int(environment.get("OLLAMA_CONTEXT_LENGTH") or 4096),
            )
            serve_for_ever(app, host, int(port))
        case ["--version" | "-v"]:
            print(f"ollama version is {VERSION} (stand-in)")
        case ["list" | "ls"]:
            print(*(model["name"] for model in json.loads(_ask(port, "GET", "/api/tags"))["models"]), sep="\n")
        case ["pull", model]:
            print(_ask(port, "POST", "/api/pull", {"model": model, "stream": False}))
        case ["rm", model]:
            print(_ask(port, "DELETE", "/api/delete", {"model": model}))
        case _:
            sys.exit(f"this stand-in for ollama knows serve, list, pull, rm and --version, not {' '.join(words)!r}")


def _ask(port: str, method: str, path: str, body: dict[str, Any] | None = None) -> str:
    content = json.dumps(body).encode() if body else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", content, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            text: str = answer.read().decode()
    except urllib.error.HTTPError as error:
        sys.exit(f"Error: {json.loads(error.read())['error']}")
    return text


if __name__ == "__main__":
    main()
