"""Image references, as engines and registries read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner import references
from tests.small import APP, Small

DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.mark.parametrize(
    "reference",
    [
        "debian",
        "debian:12-slim",
        "ollama/ollama:0.12.3",
        "ghcr.io/open-webui/open-webui:v0.6.5",
        "localhost:5000/a/b/c:Tag_1.0-X",
        "registry:5000/x",
        "localhost/x",
        "[::1]:5000/x",
        "Registry.Example.COM/x:1",
        f"vllm/vllm-openai@{DIGEST}",
        f"a__b/c-d.e/f--g:1@{DIGEST}",
    ],
)
def test_reference_is_taken(reference: str) -> None:
    assert references.problem(reference) == ""


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        ("Team/App:Tag", "no capitals; write team/app:Tag"),
        ("ghcr.io/Team/app", "no capitals; write ghcr.io/team/app"),
        ("app:", "is no image reference"),
        ("https://ghcr.io/team/app", "is no image reference"),
        ("team/app:a b", "is no image reference"),
        ("team//app", "is no image reference"),
        ("-app", "is no image reference"),
        ("app@sha256:123", "is no image reference"),
        ("app:tag:tag", "is no image reference"),
        ("app\n", "is no image reference"),
        ("$(id)", "is no image reference"),
        ("a" * 600, "is no image reference"),
        ("", "is no image reference"),
    ],
)
def test_reference_is_refused(reference: str, told: str) -> None:
    assert told in references.problem(reference)


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path / "repo")


def test_validate_says_where_the_image_of_the_settings_was_written(small: Small) -> None:
    small.write("runner.yaml", "id: x\nimages: {replace: {a: Team/App}}\n")
    [problem] = small.load().problems
    assert (problem.file, problem.field) == ("runner.yaml", "images.replace.a")
    assert "write team/app" in problem.message


def test_validate_says_which_parameter_gave_the_image(small: Small) -> None:
    text = APP.replace("params:\n", "params:\n  image: {description: Image, required: true}\n")
    small.write("templates/any.yaml", text.replace("image: example/app:1", 'image: "{{ params.image }}"'))
    small.deployment("web", "template: any\nparams: {image: ghcr.io/Team/App:1}\n")
    [problem] = small.load().problems
    assert (problem.file, problem.line, problem.field) == ("deployments/web.yaml", 2, "params.image")
    assert "write ghcr.io/team/app:1" in problem.message


def test_validate_checks_the_image_of_a_template(small: Small) -> None:
    small.write("templates/bad.yaml", APP.replace("example/app:1", "Example/App:1"))
    [problem] = small.load().problems
    assert (problem.file, problem.field) == ("templates/bad.yaml", "service.image")
