"""A stand-in for Open WebUI: its page, its health check, and its way to Ollama. It knows no users."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request

from .web import Answer, Request, as_json, serve_for_ever

VERSION = "0.11.4"
PROXIED = ("/ollama/api/tags", "/ollama/api/version")


class OpenWebui:
    """One server. `ollama` is where the models are."""

    def __init__(self, ollama: str) -> None:
        self.ollama = ollama

    def __call__(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.path == "/health":
            return as_json({"status": True})
        if request.path == "/api/config":
            return as_json({"status": True, "name": "Open WebUI (stand-in)", "version": VERSION})
        if request.path in PROXIED:
            return self._passed_on(request.path.removeprefix("/ollama"))
        if request.path == "/":
            return Answer(b"<!doctype html><title>stand-in for Open WebUI</title>", type="text/html; charset=utf-8")
        return as_json({"detail": "Not Found"}, 404)

    def _passed_on(self, path: str) -> Answer:
        try:
            with urllib.request.urlopen(self.ollama + path, timeout=5) as answer:
                return as_json(json.loads(answer.read()))
        except (urllib.error.URLError, OSError) as error:
            return as_json({"detail": f"Ollama: {error}"}, 500)


def main() -> None:
    """Listen as the image does."""
    serve_for_ever(OpenWebui(os.environ["OLLAMA_BASE_URL"]), "0.0.0.0", int(os.environ.get("PORT", "8080")))


if __name__ == "__main__":
    main()
