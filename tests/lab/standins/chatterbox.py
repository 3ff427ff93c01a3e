"""A stand-in for Chatterbox-TTS-Server: every sentence is a tenth of a second of silence."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

from .web import Answer, Request, as_json, serve_for_ever

VOICES = ("Abigail.wav", "Thomas.wav")
RATE_HZ = 24000


def silence() -> bytes:
    """A WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE_HZ)
        sound.writeframes(b"\0\0" * (RATE_HZ // 10))
    return file.getvalue()


def chatterbox(request: Request) -> Answer:
    """The answer to one request."""
    match request.method, request.path:
        case "GET" | "HEAD", "/" | "/docs":
            return Answer(b"<!doctype html><title>stand-in for Chatterbox</title>", type="text/html; charset=utf-8")
        case "GET" | "HEAD", "/api/model-info":
            return as_json({"loaded": True, "type": "stand-in", "device": "cpu", "sample_rate": RATE_HZ})
        case "GET", "/get_predefined_voices":
            return as_json([{"display_name": name.removesuffix(".wav"), "filename": name} for name in VOICES])
        case "POST", "/v1/audio/speech":
            return _speech(request)
    return as_json({"detail": "Not Found"}, 404)


def _speech(request: Request) -> Answer:
    try:
        given: Any = json.loads(request.body)
        voice = given["voice"]
        given["input"], given["model"]
    except (ValueError, LookupError, TypeError) as error:
        return as_json({"detail": [{"loc": ["body"], "msg": f"Field required: {error}", "type": "missing"}]}, 422)
    if voice not in VOICES:
        return as_json({"detail": f"Voice file '{voice}' not found."}, 404)
    if given.get("response_format", "wav") != "wav":
        return as_json({"detail": "this stand-in speaks wav only"}, 500)
    return Answer(silence(), type="audio/wav")


def main() -> None:
    """Listen where the image does."""
    serve_for_ever(chatterbox, "0.0.0.0", 8004)


if __name__ == "__main__":
    main()
