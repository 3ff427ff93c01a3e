"""Says which images are named by a tag that can move: `python tools/check_images.py`. Exit code 1 when there is one.

Looked at: templates, defaults of roles, and what the lab's images are made from. Where nobody has published a digest, a
comment right above says so and why, beginning with `No digest:`; those are listed and pass.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
LOOKED_AT = ("templates/*.yaml", "roles/*/defaults/main.yml", "tests/lab/dockerfiles/*/Dockerfile")
REASON = "No digest:"
OWN = re.compile(r"slipway-lab/[\w-]+:\d+|scratch")
"""Made here, from packages of Debian."""
_NAME = re.compile(r"(?:[\w.-]+(?::\d+)?/)*[\w.-]+:[\w][\w.-]*(?:@sha256:[0-9a-f]{64})?|[\w./-]+@sha256:[0-9a-f]{64}")
_PINNED = re.compile(r".+@sha256:[0-9a-f]{64}")
_KEY = re.compile(r"\s*(?:-\s*)?(?:\w+_)?image:\s*(?P<value>.*)")
_FROM = re.compile(r"FROM\s+(?:--platform=\S+\s+)?(?P<value>\S+)", re.IGNORECASE)


class Image(NamedTuple):
    """A place where an image is named."""

    file: Path
    line: int
    name: str
    reason: str
    """Why it has no digest; empty when nobody says."""


def images(file: Path) -> Iterator[Image]:
    """What a file names, with the comment above it."""
    lines = file.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        found = (_FROM if file.name == "Dockerfile" else _KEY).match(line)
        if found is None or line.lstrip().startswith("#"):
            continue
        for name in _names(found["value"], lines[number + 1 :]):
            yield Image(file, number + 1, name, _reason(lines[:number]))


def unpinned(found: Image) -> bool:
    """Whether the name may mean another image tomorrow."""
    return not _PINNED.fullmatch(found.name) and not OWN.fullmatch(found.name)


def main(root: Path = ROOT) -> int:
    """Say each; fail for those without a reason."""
    found = [image for glob in LOOKED_AT for file in sorted(root.glob(glob)) for image in images(file)]
    moving = [image for image in found if unpinned(image)]
    for image in moving:
        why = f"no digest is known: {image.reason}" if image.reason else "has no digest: write NAME:TAG@sha256:…"
        print(f"{image.file.relative_to(root)}:{image.line}: {image.name} {why}")
    print(f"{len(found)} images, {len(found) - len(moving)} pinned by digest")
    return int(any(not image.reason for image in moving))


def _names(value: str, following: list[str]) -> Iterator[str]:
    """A name, or the names between the braces of a longer text; expressions alone name nothing."""
    if value.startswith((">", "|")):
        block = []
        for line in following:
            if line.strip() and not line.startswith("    "):
                break
            block.append(line.strip())
        for line in block:
            if not line.startswith("{%"):
                yield from _NAME.findall(line)
    elif not value.strip("\"'").startswith(("{", "}")):
        yield from _NAME.findall(value)


def _reason(before: list[str]) -> str:
    """What the comment right above says after `No digest:`."""
    comment: list[str] = []
    for line in reversed(before):
        if not line.lstrip().startswith("#"):
            break
        comment.insert(0, line.lstrip().lstrip("#").strip())
    text = " ".join(comment)
    return text.partition(REASON)[2].strip()


if __name__ == "__main__":
    sys.exit(main())
