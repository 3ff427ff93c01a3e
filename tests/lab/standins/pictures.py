"""Stand-ins for two programs that paint, ComfyUI and AUTOMATIC1111's web UI. Every picture is one grey pixel."""

from __future__ import annotations

import base64
import json
import os
import shlex
import struct
import sys
import uuid
import zlib
from typing import Any

from .web import Answer, App, Request, as_json, serve_for_ever


def picture() -> bytes:
    """A PNG file."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0)
    pixels = zlib.compress(b"\x00\x80")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


class ComfyUi:
    """ComfyUI's HTTP API; a workflow is done as soon as it is queued."""

    def __init__(self, argv: list[str]) -> None:
        self.argv = argv
        self.history: dict[str, dict[str, Any]] = {}

    def __call__(self, request: Request) -> Answer:
        """The answer to one request."""
        match request.method, request.path:
            case "GET" | "HEAD", "/":
                return Answer(b"<!doctype html><title>stand-in for ComfyUI</title>", type="text/html; charset=utf-8")
            case "GET" | "HEAD", "/system_stats":
                return as_json({"system": self._system(), "devices": []})
            case "GET", "/queue":
                return as_json({"queue_running": [], "queue_pending": []})
            case "GET", "/history":
                return as_json(self.history)
            case "GET", "/view":
                return Answer(picture(), type="image/png")
            case "POST", "/prompt":
                return self._prompt(request)
        return Answer(b"404: Not Found", 404)

    def _system(self) -> dict[str, Any]:
        versions = {"comfyui_version": "stand-in", "python_version": sys.version, "pytorch_version": "none"}
        return {"os": os.name, "ram_total": 1, "ram_free": 1, **versions, "embedded_python": False, "argv": self.argv}

    def _prompt(self, request: Request) -> Answer:
        try:
            workflow = json.loads(request.body)["prompt"]
        except (ValueError, LookupError, TypeError):
            error = {"type": "no_prompt", "message": "No prompt provided", "details": "No prompt provided"}
            return as_json({"error": {**error, "extra_info": {}}, "node_errors": {}}, 400)
        number, name = len(self.history), str(uuid.uuid4())
        image = {"filename": f"ComfyUI_{number:05}_.png", "subfolder": "", "type": "output"}
        status = {"status_str": "success", "completed": True, "messages": []}
        self.history[name] = {
            "prompt": [number, name, workflow, {}, []],
            "outputs": {"9": {"images": [image]}},
            "status": status,
        }
        return as_json({"prompt_id": name, "number": number, "node_errors": {}})


class WebUi:
    """The part of AUTOMATIC1111's web UI that programs use; without --api there is none of it, as there."""

    def __init__(self, argv: list[str]) -> None:
        self.api = "--api" in argv

    def __call__(self, request: Request) -> Answer:
        """The answer to one request."""
        if request.path.startswith("/sdapi/") and not self.api:
            return as_json({"detail": "Not Found"}, 404)
        match request.method, request.path:
            case "GET" | "HEAD", "/" | "/docs":
                return Answer(b"<!doctype html><title>stand-in for A1111</title>", type="text/html; charset=utf-8")
            case "GET" | "HEAD", "/internal/ping":
                return as_json({})
            case "GET", "/sdapi/v1/sd-models":
                return as_json([{"title": "stand-in", "model_name": "stand-in", "filename": "/none"}])
            case "GET", "/sdapi/v1/options":
                return as_json({"sd_model_checkpoint": "stand-in", "samples_format": "png"})
            case "POST", "/sdapi/v1/txt2img":
                return self._txt2img(request)
        return as_json({"detail": "Not Found"}, 404)

    def _txt2img(self, request: Request) -> Answer:
        try:
            given = json.loads(request.body)
        except ValueError:
            return as_json({"detail": [{"loc": ["body"], "msg": "JSON decode error", "type": "json_invalid"}]}, 422)
        image = base64.b64encode(picture()).decode()
        return as_json({"images": [image], "parameters": given, "info": json.dumps({"prompt": given.get("prompt")})})


def main() -> None:
    """`pictures comfyui` or `pictures webui`: the options come in a variable, as the images have it."""
    app: App
    if sys.argv[1] == "comfyui":
        app, port = ComfyUi(shlex.split(os.environ.get("CLI_ARGS", ""))), 8188
    else:
        app, port = WebUi(shlex.split(os.environ.get("WEBUI_ARGS", ""))), 7860
    serve_for_ever(app, "0.0.0.0", port)


if __name__ == "__main__":
    main()
