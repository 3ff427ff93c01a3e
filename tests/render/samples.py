"""One specimen of everything that can be shown, as `--json` prints it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from runner.domain import Action, Change, Kind, Plan

NOW = datetime(2026, 11, 21, 2, 5, tzinfo=UTC)
PAID = {"hourly": 0.8048, "currency": "USD", "source": "AWS price list", "as_of": "2026-11-18"}
FREE = {"hourly": 0.0, "currency": "USD", "source": "", "as_of": ""}
CHANGES = [
    {"field": "params.model", "before": "llama3.2:3b", "after": "qwen2.5:7b", "forces_replacement": False},
    {"field": "env.LOG_LEVEL", "before": None, "after": "debug", "forces_replacement": False},
]

ACTIONS = (
    Action("notebook", "local", Kind.CREATE, "new"),
    Action(
        "chat",
        "aws",
        Kind.REPLACE,
        "machine.gpu cannot change in place",
        changes=(
            Change("params.model", "llama3.2:3b", "qwen2.5:7b"),
            Change("machine.gpu", "L4", "L40S", forces_replacement=True),
        ),
        hourly_before=0.8048,
        hourly_after=1.861,
        price_source="AWS price list",
        price_as_of="2026-11-18",
    ),
    Action("images", "ovh", Kind.CREATE, "new", hourly_after=None),
    Action("old", "verda", Kind.DESTROY, "deployments/old.yaml was deleted", hourly_before=0.526),
    Action("demo", "modal", Kind.STOP, "state: stopped", hourly_before=1.1),
    Action("desktop", "portainer", Kind.BLOCKED, "cannot be observed: connection refused", hint="start its agent"),
    Action("booth", "aws", Kind.HELD, "on hold until 2026-12-24: demo week"),
    *(Action(f"quiet-{number}", "local", Kind.NONE, "up to date") for number in range(997)),
)
PLAN = Plan(ACTIONS, commit="3511be88711edbff6f30", inputs="in", observed="out")


def deployment(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "template": "ollama",
        "provider": "local",
        "sync": "in-sync",
        "sync_reason": "",
        "health": "healthy",
        "health_reason": "",
        "since": "2026-11-21T00:10:00+00:00",
        "price": FREE,
        "url": "http://127.0.0.1:11434",
        "file": f"deployments/{name}.yaml",
        "owner": "ml-team",
        **more,
    }


CHAT = deployment("chat", provider="aws", price=PAID, sync="drifted", sync_reason="2 fields differ", changes=CHANGES)
VOICE = deployment(
    "voice",
    health="degraded",
    health_reason="api answered 502 Bad Gateway for 4 minutes",
    price=None,
    protect=True,
    hold={"until": "2026-12-24", "reason": "demo week"},
    endpoints=[{"label": "Web", "url": "http://127.0.0.1:8000/with/a/path/that/is/rather/long/for/a/narrow/table"}],
)
STATUS = {"deployments": [CHAT, VOICE, deployment("off", health="stopped", url="")]}

TEMPLATE = {
    "id": "ollama",
    "name": "Ollama LLM server",
    "version": "1.0.0",
    "description": "Any open model behind an OpenAI-compatible API",
    "category": "llm",
    "icon": "🦙",
    "tags": ["llm", "openai-compatible"],
    "status": "active",
    "status_note": "",
    "premium": False,
    "requirements": {"gpu": "optional", "vram_gb": 8.0, "ram_gb": 16.0, "disk_gb": 50.0},
    "params": {
        "model": {"type": "string", "description": "Loaded at the start", "default": "llama3.2:3b", "required": True,
                  "choices": ["llama3.2:3b", "qwen2.5:7b"]},
        "context": {"type": "integer", "description": "In tokens", "default": 4096, "min": 512.0, "max": 131072.0},
        "api_key": {"type": "string", "description": "Bearer token", "secret": True, "generate": True},
    },
    "service": {
        "image": "ollama/ollama:0.12.3@sha256:5a5d014aa774f78ebe1340c0d4afc2e35afc12a2c3b34c84e71f78ea20af4ba3",
        "ports": {"api": {"container": 8080, "host": 11434, "protocol": "http", "description": "OpenAI API"}},
    },
    "models": [
        {"id": "llama3.2:3b", "name": "Llama 3.2 3B", "size_gb": 2.0, "vram_gb": 4.0, "category": "chat"},
        {"id": "deepseek-r1:70b", "name": "R1", "size_gb": 43, "vram_gb": 48, "category": "reasoning", "gated": True},
    ],
}  # fmt: skip
SOON = {
    **TEMPLATE,
    "id": "comfyui",
    "name": "ComfyUI",
    "status": "coming_soon",
    "status_note": "licence",
    "premium": True,
}
TEMPLATES = {"templates": [SOON, TEMPLATE]}

ACCESS = {
    "name": "chat",
    "template": "ollama",
    "title": "Ollama LLM server",
    "icon": "🦙",
    "provider": "aws",
    "health": "healthy",
    "health_reason": "",
    "since": "2026-11-21T00:10:00+00:00",
    "model": "qwen2.5:7b",
    "gpu": "L4, 24 GB",
    "price": PAID,
    "endpoints": [{"label": "Web chat", "url": "http://127.0.0.1:8000"}],
    "secrets": [{"name": "API_KEY", "value": None, "where": "inventory/host_vars/chat/secrets.yaml"}],
    "instructions": "Open the tunnel first.",
    "snippets": [
        {"title": "Ask", "language": "python", "code": "from openai import OpenAI\n\nOpenAI(\n    api_key='x',\n)"}
    ],
    "commands": [{"title": "log in", "command": "runner ssh chat"}],
}

DRIFT = {
    "deployments": [{"name": "chat", "provider": "aws", "reason": "2 fields differ", "changes": CHANGES}],
    "checked": 12,
    "unknown": [{"name": "desktop", "error": "connection refused", "hint": "start its agent"}],
}
ORPHANS = {
    "orphans": [
        {"provider": "aws", "id": "i-0abc", "deployment": "old", "state": "running", "since": "2026-11-01",
         "detail": "g6.xlarge", "price": PAID},
    ],
    "unknown": [{"provider": "verda", "error": "no credentials", "hint": "set VERDA_CLIENT_ID"}],
}  # fmt: skip


def event(deployment: str, step: str, status: str, **more: Any) -> dict[str, Any]:
    return {
        "time": "2026-11-21T01:03:07Z",
        "run": "r1",
        "deployment": deployment,
        "kind": "step",
        "step": step,
        "status": status,
        "seconds": None,
        "message": "",
        **more,
    }


EVENTS = {
    "events": [
        event("notebook", "Ensure uv is installed", "changed", seconds=2.1),
        event("", "Wait for the lock", "ok"),
        event("chat", "Ensure the image is pulled", "failed", seconds=41.0, message="no space left on device"),
        event("chat", "", "failed", kind="result", message="no space left on device"),
    ]
}
HISTORY = {
    "name": "chat",
    "entries": [
        {"time": "2026-11-21T01:00:00Z", "commit": "3511be88711edbff", "author": "Ada", "subject": "Enlarge it",
         "changes": CHANGES},
    ],
}  # fmt: skip
LOCKS = {
    "locks": [
        {"deployment": "chat", "holder": "ada@laptop", "since": "2026-11-21T01:50:00Z",
         "expires": "2026-11-21T02:20:00Z", "reason": "reconcile", "url": "https://ci.example.org/1"},
    ]
}  # fmt: skip
DOCTOR = {
    "checks": [
        {"group": "tools", "name": "git", "ok": True, "found": "2.39.5", "fix": ""},
        {"group": "local", "name": "docker", "ok": False, "found": "permission denied", "fix": "join group docker"},
        {"group": "aws", "name": "credentials", "ok": None, "found": "not needed", "fix": "set AWS_PROFILE"},
    ]
}
RESULTS = {
    "results": [
        {"deployment": "notebook", "action": "create", "result": "changed", "seconds": 123.4,
         "url": "http://127.0.0.1:8888", "error": "", "hint": ""},
        {"deployment": "chat", "action": "update", "result": "failed", "seconds": 41.3, "url": "",
         "error": "Ensure the image is pulled: no space left on device", "hint": "docker system prune"},
        {"deployment": "late", "action": "create", "result": "interrupted", "seconds": None, "url": "", "error": "",
         "hint": ""},
    ]
}  # fmt: skip
