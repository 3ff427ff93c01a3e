"""A stand-in for Text Generation Inference (`text-generation-launcher`), with answers that are made up."""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections.abc import Iterator
from typing import Any

from .ollama import openai_chat
from .web import Answer, Request, as_json, serve_for_ever

VERSION = "3.3.7"
LIMITS = {
    "max_best_of": 2,
    "max_client_batch_size": 4,
    "max_concurrent_requests": 128,
    "max_stop_sequences": 4,
    "validation_workers": 2,
}


class Tgi:
    """One server. The key is asked for where text is made, not by health, information and metrics."""

    def __init__(self, model: str, key: str = "", max_total_tokens: int = 4096) -> None:
        self.model, self.key, self.max_total_tokens = model, key, max_total_tokens
        self.started = int(time.time())

    def __call__(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.method == "POST" and not self._may(request):
            return Answer(status=401)
        match request.method, request.path:
            case "GET" | "HEAD", "/" | "/health" | "/ping":
                return Answer()
            case "GET" | "HEAD", "/info":
                return as_json(self._info())
            case "GET", "/v1/models":
                card = {"id": self.model, "object": "model", "created": self.started, "owned_by": self.model}
                return as_json({"object": "list", "data": [card]})
            case "GET", "/metrics":
                return Answer(b"# TYPE tgi_queue_size gauge\ntgi_queue_size 0\n", type="text/plain")
            case "GET", "/docs":
                return Answer(b"<!doctype html><title>stand-in for TGI</title>", type="text/html; charset=utf-8")
            case "POST", "/generate":
                return self._made(request, lambda text: as_json({"generated_text": text}))
            case "POST", "/generate_stream":
                return self._made(request, lambda text: Answer(_events(text), type="text/event-stream"))
            case "POST", "/v1/chat/completions":
                return self._chat(request)
        return Answer(status=404)

    def _may(self, request: Request) -> bool:
        return not self.key or request.headers.get("Authorization", "").lower() == f"bearer {self.key}".lower()

    def _info(self) -> dict[str, Any]:
        tokens = {"max_input_tokens": self.max_total_tokens - 1, "max_total_tokens": self.max_total_tokens}
        return {"model_id": self.model, **LIMITS, **tokens, "router": "text-generation-router", "version": VERSION}

    def _made(self, request: Request, answer: Any) -> Answer:
        try:
            said = json.loads(request.body)["inputs"]
        except (ValueError, LookupError, TypeError):
            return _error(422, "Input validation error: inputs is required", "validation")
        made: Answer = answer(self._words(said))
        return made

    def _chat(self, request: Request) -> Answer:
        try:
            body = json.loads(request.body)
            said = body["messages"][-1]["content"]
        except (ValueError, LookupError, TypeError):
            return _error(422, "Input validation error: messages is required", "validation")
        return openai_chat(body, self.model, re.findall(r"\S+\s*", self._words(said)), f"{VERSION}-native")

    def _words(self, said: str) -> str:
        return f"I am a stand-in for {self.model}. You said: {said}"


def _events(text: str) -> Iterator[bytes]:
    words = re.findall(r"\S+\s*", text)
    for index, word in enumerate(words, start=1):
        last = index == len(words)
        event = {
            "index": index,
            "token": {"id": index, "text": word, "logprob": -0.5, "special": False},
            "generated_text": text if last else None,
            "details": {"finish_reason": "eos_token", "generated_tokens": index, "input_length": 1} if last else None,
        }
        yield f"data:{json.dumps(event)}\n\n".encode()


def _error(status: int, message: str, kind: str) -> Answer:
    return as_json({"error": message, "error_type": kind}, status)


def arguments(words: list[str] | None = None) -> argparse.Namespace:
    """The options of text-generation-launcher that templates use. An unknown one ends the program, as there."""
    parser = argparse.ArgumentParser(prog="text-generation-launcher", allow_abbrev=False)
    parser.add_argument("--model-id", default="bigscience/bloom-560m")
    parser.add_argument("--num-shard", type=int)
    parser.add_argument("--max-total-tokens", type=int, default=4096)
    methods = ["awq", "eetq", "exl2", "gptq", "marlin", "bitsandbytes", "bitsandbytes-nf4", "bitsandbytes-fp4", "fp8"]
    parser.add_argument("--quantize", choices=methods)
    return parser.parse_args(words)


def main() -> None:
    """Listen where the image does."""
    given = arguments()
    app = Tgi(given.model_id, os.environ.get("API_KEY", ""), given.max_total_tokens)
    serve_for_ever(app, "0.0.0.0", int(os.environ.get("PORT", "80")))


if __name__ == "__main__":
    main()
