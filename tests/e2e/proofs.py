"""What the end-to-end tests show of each template. `test_templates.py` goes through it, and the table of the README is
made from it, so that the table says what is tested and nothing else. A template that is not here is shown as not run.
Pure data: no lab is needed to read it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.lab import usage


@dataclass(frozen=True)
class Proof:
    """How one template is deployed in the lab, and what shows that it works."""

    host: int
    """Which of the lab's hosts."""
    path: str
    """What is asked of the port that the health check asks."""
    says: str
    """Part of the answer."""
    body: Any = None
    """Sent as JSON."""
    key: str = ""
    """Secret that is sent as the bearer's token."""
    text: str = ""
    """More lines of the deployment."""
    image: str = ""
    """The lab's image, where it is not called as the template."""
    like: bool = False
    """The image has software of the same kind, not the one that the template asks for."""
    note: str = ""
    """How what runs differs from what runs outside."""


SCRIPT = "serve.sh"
CHECKSUM = hashlib.sha256((Path(__file__).parent / SCRIPT).read_bytes()).hexdigest()
HELLO = {"messages": [{"role": "user", "content": "hello"}]}
PROOFS = {
    "jupyter": Proof(0, "/api", '"version"', note="from the package index"),
    "ollama": Proof(1, "/v1/chat/completions", "You said: hello", body={**HELLO, "model": "llama3.2:3b"}),
    "vllm": Proof(2, "/v1/chat/completions", "You said: hello", body=HELLO, key="api_key"),
    "desktop": Proof(2, "/", "401", like=True, note="XFCE by VNC instead of Selkies"),
    "code-server": Proof(3, "/login", "code-server login", note="without its compiled parts"),
    "llamacpp": Proof(
        4, "/v1/chat/completions", '"completion_tokens":4', body={**HELLO, "max_tokens": 4}, key="api_key",
        note="on a CPU, with random weights",
    ),
    "tgi": Proof(0, "/generate", "You said: hello", body={"inputs": "hello"}, key="api_key"),
    "comfyui": Proof(1, "/prompt", "prompt_id", body={"prompt": {}}),
    "automatic1111": Proof(1, "/sdapi/v1/txt2img", "iVBORw0KGgo", body={"prompt": "a lighthouse"}),
    "chatterbox-tts": Proof(
        3, "/v1/audio/speech", "RIFF", body={"model": "chatterbox", "input": "hello", "voice": "Thomas.wav"}
    ),
    "custom": Proof(
        4, "/word", "own", image="tiny", note="an image of ours",
        text="""\
params: {image: "registry.lab:5000/slipway-lab/tiny:1"}
service:
  command: [sh, -c, "trap 'exit 0' TERM; echo $WORD > /srv/word; httpd -f -p 9000 -h /srv & wait"]
  ports: {web: 9000, spare: {container: 9001, protocol: tcp}}
  volumes: {data: /srv}
  health: {path: /word, timeout_s: 60}
env: {WORD: own}
""",
    ),
    "custom-script": Proof(
        2, "/", "hello from", note="a script of ours",
        text=f"params: {{script: {SCRIPT}, sha256: {CHECKSUM}}}\nsecrets: {{WORD: env:WORD}}\n",
    ),
}  # fmt: skip
REAL = {
    "jupyter": "Chromium 156",
    "code-server": "Chromium 156",
    "llamacpp": "openai 3.57",
    "ollama": "openai 3.57, ollama's client",
    "vllm": "openai 3.57",
    "tgi": "openai 3.57",
    "chatterbox-tts": "openai 3.57",
}
"""Template → what used it, or its stand-in, from outside in the last run of `make e2e-real` (tests/real)."""
SHOWN = {
    "deployed": "test_deploys_and_answers",
    "nothing to do": "test_second_reconcile_changes_nothing",
    "logs": "test_logs_are_its_own",
    "restart": "test_restarts",
    "stop, start": "test_stops_and_starts_again",
    "rollback": "test_goes_back_when_the_new_version_fails",
}
"""Column of the table → the test that goes through all proofs."""


def image(template: str) -> str:
    """The lab's image that a template runs with; empty for what is no container."""
    return PROOFS[template].image or usage.served().get(template, "")


def kind(template: str) -> str:
    """`real software`, `software like it`, `a stand-in` or `not run`: the name of the tested image says the third."""
    if template not in PROOFS:
        return "not run"
    if PROOFS[template].like:
        return "software like it"
    return "a stand-in" if image(template).endswith("-stand-in") else "real software"
