"""A stand-in for vLLM's OpenAI-compatible server, `vllm serve MODEL [OPTION…]`, with answers that are made up."""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from typing import Any

from .ollama import openai_chat
from .web import Answer, Request, as_json, serve_for_ever

VERSION = "0.29.0"
METRICS = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="NAME"} 0.0
# HELP vllm:num_requests_waiting Number of requests waiting to be processed.
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="NAME"} 0.0
"""


class Vllm:
    """One server. The keys are asked for below /v1 only."""

    def __init__(self, model: str, names: list[str], keys: list[str], max_model_len: int) -> None:
        self.model, self.names, self.keys, self.max_model_len = model, names or [model], keys, max_model_len
        self.started = int(time.time())

    def __call__(self, request: Request) -> Answer:
        """The answer to one request."""
        method = "GET" if request.method == "HEAD" else request.method
        if request.path.startswith("/v1/") and not self._may(request):
            return as_json({"error": "Unauthorized"}, 401)
        match method, request.path:
            case "GET" | "POST", "/ping":
                return Answer()
            case "GET", "/health":
                return Answer()
            case "GET", "/version":
                return as_json({"version": VERSION})
            case "GET", "/metrics":
                return Answer(METRICS.replace("NAME", self.names[0]).encode(), type="text/plain; version=0.0.4")
            case "GET", "/docs":
                return Answer(b"<!doctype html><title>stand-in for vLLM</title>", type="text/html; charset=utf-8")
            case "GET", "/v1/models":
                return as_json({"object": "list", "data": [self._card(name) for name in self.names]})
            case "POST", "/v1/chat/completions":
                return self._chat(request)
            case _, "/health" | "/version" | "/metrics" | "/docs" | "/v1/models" | "/v1/chat/completions":
                return as_json({"detail": "Method Not Allowed"}, 405)
        return as_json({"detail": "Not Found"}, 404)

    def _may(self, request: Request) -> bool:
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        return not self.keys or (scheme.lower() == "bearer" and key in self.keys)

    def _card(self, name: str) -> dict[str, Any]:
        card = {"id": name, "object": "model", "created": self.started, "owned_by": "vllm", "root": self.model}
        return {**card, "parent": None, "max_model_len": self.max_model_len, "permission": []}

    def _chat(self, request: Request) -> Answer:
        try:
            body = json.loads(request.body)
            messages = body["messages"]
            said = messages[-1]["content"]
        except (ValueError, LookupError, TypeError) as error:
            return _error(400, "BadRequestError", f"{type(error).__name__}: {error}")
        name = body.get("model") or self.names[0]
        if name not in self.names:
            return _error(404, "NotFoundError", f"The model `{name}` does not exist.", "model")
        words = re.findall(r"\S+\s*", f"I am a stand-in for {self.model}. You said: {said}")
        return openai_chat(body, name, words, f"vllm-{VERSION}")


def _error(status: int, kind: str, message: str, parameter: str | None = None) -> Answer:
    return as_json({"error": {"message": message, "type": kind, "param": parameter, "code": status}}, status)


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The options of `vllm serve` that templates use. An unknown one ends the program, as there."""
    parser = argparse.ArgumentParser(prog="vllm serve", allow_abbrev=False)
    parser.add_argument("model")
    parser.add_argument("--served-model-name", nargs="+", default=[])
    parser.add_argument("--api-key", nargs="+", default=[])
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--max-model-len", type=int, default=32768)
    parser.add_argument("--tensor-parallel-size", "-tp", type=int, default=1)
    parser.add_argument("--gpu-memory-utilization", type=float, default=0.9)
    parser.add_argument("--dtype", choices=["auto", "half", "float16", "bfloat16", "float", "float32"], default="auto")
    for name in ("--quantization", "--kv-cache-dtype", "--download-dir", "--revision", "--tokenizer"):
        parser.add_argument(name)
    for name in ("--enable-prefix-caching", "--trust-remote-code", "--enforce-eager"):
        parser.add_argument(name, action="store_true")
    return parser.parse_args(words)


def main() -> None:
    """Take its time, as loading a model does, then listen."""
    given = arguments()
    keys = given.api_key or [key for key in [os.environ.get("VLLM_API_KEY")] if key]
    time.sleep(float(os.environ.get("STAND_IN_START_S", "0")))
    app = Vllm(given.model, given.served_model_name, keys, given.max_model_len)
    serve_for_ever(app, given.host, given.port)


if __name__ == "__main__":
    main()
