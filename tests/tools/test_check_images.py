"""Images that may be others tomorrow are found wherever they are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import check_images

DIGEST = "sha256:" + "0" * 64


def test_all_images_of_the_repository_are_pinned_or_say_why_not() -> None:
    assert check_images.main() == 0


@pytest.mark.parametrize(
    ("file", "text", "found"),
    [
        ("templates/a.yaml", f"  image: a/b:1@{DIGEST}\n", ""),
        ("templates/a.yaml", f"  image: a/b@{DIGEST}\n", ""),
        ("templates/a.yaml", "  image: a/b:1\n", "a/b:1"),
        ("templates/a.yaml", "  image: 'a/b:1@sha256:abc'\n", "a/b:1"),
        ("templates/a.yaml", "  # No digest: none was published\n  image: a/b:1\n", None),
        ("templates/a.yaml", "  # It is old.\n  image: a/b:1\n", "a/b:1"),
        ("templates/a.yaml", "  # No digest: for this\n  env: {}\n  image: a/b:1\n", "a/b:1"),
        (
            "templates/a.yaml",
            f"  image: >-\n    {{% if x -%}}\n    a/b:1@{DIGEST}\n    {{%- else -%}}\n    c/d:2\n",
            "c/d:2",
        ),
        ("templates/a.yaml", '  image: "{{ params.image }}"\n', ""),
        ("templates/a.yaml", "      image: r.example:5000/a/b:1\n", "r.example:5000/a/b:1"),
        ("roles/a/defaults/main.yml", "a_proof_image: debian:12\n", "debian:12"),
        ("tests/lab/dockerfiles/a/Dockerfile", "FROM debian:12 AS build\n", "debian:12"),
        ("tests/lab/dockerfiles/a/Dockerfile", "FROM slipway-lab/base:1 AS build\nFROM scratch\n", ""),
    ],
)
def test_moving_tag_is_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], file: str, text: str, found: str | None
) -> None:
    path = tmp_path / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
    assert check_images.main(tmp_path) == (1 if found else 0)
    said = capsys.readouterr().out
    assert (f"{found} has no digest" in said) if found else ("has no digest" not in said)
