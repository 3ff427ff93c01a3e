"""A repository with one small template of every kind of parameter: quick to load, and nobody's catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from runner.errors import Problem
from runner.load import Loaded, load
from runner.repo import Repo

APP = """\
name: App
version: 1.0.0
description: A small service
category: custom
params:
  model: {description: Which model, default: small, choices: [small, large]}
  context: {description: Tokens, type: integer, default: 2048, min: 512, max: 8192}
  rate: {description: Rate, type: number, default: 0.5}
  debug: {description: Say more, type: boolean, default: false}
  extras: {description: More, type: list, default: []}
  tag: {description: A tag, pattern: "[a-z]+"}
  text: {description: Anything, default: ""}
  password: {description: Of the login page, secret: true, generate: true}
  key: {description: API key, secret: true}
service:
  image: example/app:1
  command: ["--model={{ params.model }}", "{{ params.text }}", "{{ '--debug' if params.debug else '' }}"]
  env: {TOKEN: "Bearer {{ secrets.password }}", TEXT: "{{ params.text }}", KEY: "{{ secrets.key }}"}
  ports:
    web: {container: 80, host: 8080, description: The page}
    api: {container: 81, host: 8081, description: The API}
  health: {port: web}
  process: {packages: [app==1], command: [app, "--port={{ ports.web }}"]}
access:
  callers: {api: {without_auth: [/v1/*]}}
  endpoints: [{label: Page, port: web}]
"""
NEEDY = APP.replace(
    "params:\n",
    "params:\n  image: {description: Image to run, required: true}\n"
    "  hub: {description: Hub token, secret: true, required: true}\n",
)
SOON = APP.replace("category: custom", "category: custom\nstatus: coming_soon\nstatus_note: waits for a GPU")
OFF = APP.replace("category: custom", "category: custom\nstatus: disabled")
TEMPLATES = {"app": APP, "needy": NEEDY, "soon": SOON, "off": OFF}


class Small:
    """The repository and what `load` makes of it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repo = Repo(root)
        for folder in ("deployments", "templates", "inventory"):
            (root / folder).mkdir(parents=True)
        for name, text in TEMPLATES.items():
            self.write(f"templates/{name}.yaml", text)
        self.write(
            "runner.yaml", f"id: test\nproviders:\n  local: {{home: {root}/services, docker_socket: {root}/none}}\n"
        )

    def write(self, path: str, text: str | bytes) -> Path:
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.write_bytes(text if isinstance(text, bytes) else text.encode())
        return full

    def deployment(self, name: str, text: str | bytes = "template: app\n") -> Path:
        return self.write(f"deployments/{name}.yaml", text)

    def load(self, *, use_cache: bool = False) -> Loaded:
        return load(self.repo, use_cache=use_cache)


def told(problems: Iterable[Problem]) -> list[tuple[str, str, str, str, str]]:
    """(where, code, field, message, hint)"""
    return [(p.where, p.code, p.field, p.message, p.hint) for p in problems]
