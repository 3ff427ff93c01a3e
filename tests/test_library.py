"""The libraries of the real templates: what a model needs at each precision; what does not fit is refused at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.small import Small

POOL = """\
id: test
providers:
  ssh:
    hosts:
      small: {address: 192.0.2.1, gpu: T4}
      middle: {address: 192.0.2.2, gpu: L4}
      large: {address: 192.0.2.3, gpu: H100}
"""


@pytest.fixture
def small(tmp_path: Path) -> Small:
    made = Small(tmp_path / "repo")
    for name in ("ollama", "vllm", "llamacpp"):
        made.write(f"templates/{name}.yaml", (ROOT / "templates" / f"{name}.yaml").read_text())
    made.write("runner.yaml", POOL)
    return made


def refused(small: Small, template: str, params: str, machine: str) -> str:
    """Why; empty when it is not."""
    small.deployment("chat", f"template: {template}\nprovider: ssh\nmachine: {machine}\nparams: {params}\n")
    problems = small.load().problems
    assert [problem.code for problem in problems] in ([], ["does-not-fit"])
    return problems[0].message if problems else ""


ON_SMALL, ON_MIDDLE = "{host: small, gpus: 1}", "{host: middle, gpus: 1}"


@pytest.mark.parametrize(
    ("template", "params", "machine", "said"),
    [
        ("ollama", "{model: 'llama3.1:8b'}", ON_SMALL, ""),
        ("ollama", "{model: 'llama3.1:8b-instruct-q8_0'}", ON_SMALL, ""),
        (
            "ollama",
            "{model: 'llama3.1:8b-instruct-fp16'}",
            ON_SMALL,
            "ssh: small has 16 GB of GPU memory, and 19 are needed; the smallest host that would do: middle (24 GB)",
        ),
        # several models of one deployment are added up
        ("ollama", "{model: 'llama3.1:8b', more_models: ['qwen2.5:7b', 'mistral:7b']}", ON_MIDDLE, ""),
        (
            "ollama",
            "{model: 'llama3.1:8b', more_models: ['qwen2.5:7b', 'mistral:7b', 'llava:7b']}",
            ON_MIDDLE,
            "ssh: middle has 24 GB of GPU memory, and 32 are needed; the smallest host that would do: large (80 GB)",
        ),
        ("ollama", "{model: 'llama3.1:8b', more_models: ['llama3.1:8b']}", "{host: small, gpus: 1}", ""),
        ("vllm", "{model: Qwen/Qwen2.5-32B-Instruct-AWQ}", ON_MIDDLE, ""),
        (
            "vllm",
            "{model: Qwen/Qwen2.5-72B-Instruct}",
            "{}",
            (
                "ssh: no host of the pool fits: large has 80 GB of GPU memory, and 161 are needed; "
                "middle has 24 GB of GPU memory, and 161 are needed; "
                "small has 16 GB of GPU memory, and 161 are needed; "
                "no host would do; the smallest GPU that would: 2 x H200 (282 GB)"
            ),
        ),
        ("llamacpp", "{model: 'ggml-org/gemma-3-12b-it-GGUF:Q8_0'}", ON_SMALL, ""),
        # nothing is known of a model that is in no library
        ("vllm", "{model: somebody/something}", ON_MIDDLE, ""),
    ],
)
def test_model_fits_or_is_refused(small: Small, template: str, params: str, machine: str, said: str) -> None:
    assert refused(small, template, params, machine) == said
