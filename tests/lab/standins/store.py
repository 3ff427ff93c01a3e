"""The models that the stand-in of Ollama has: in files laid out as Ollama's own, so that they outlive a container."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PART = r"[A-Za-z0-9_][\w.-]*"
NAME = re.compile(rf"(?:(?P<host>{PART}(?::\d+)?)/)??(?:(?P<namespace>{PART})/)?(?P<model>{PART})(?::(?P<tag>{PART}))?")
STEPS = 20
STEP_BYTES = 65536  # truly written per step, so that a full disk is felt


class PullError(Exception):
    """A pull that ends badly; the message is Ollama's."""


@dataclass(frozen=True)
class Name:
    """A model's name in full."""

    host: str
    namespace: str
    model: str
    tag: str

    @classmethod
    def parse(cls, text: str) -> Name | None:
        """What `text` means with Ollama's defaults; None when it is no name."""
        if not (found := NAME.fullmatch(text)):
            return None
        host, namespace, model, tag = found.group("host", "namespace", "model", "tag")
        return cls(host or "registry.ollama.ai", namespace or "library", model, tag or "latest")

    def __str__(self) -> str:
        """As `ollama list` shows it, without the defaults."""
        parts = [self.host, self.namespace, f"{self.model}:{self.tag}"]
        hidden = 0 if parts[0] != "registry.ollama.ai" else 1 if parts[1] != "library" else 2
        return "/".join(parts[hidden:])

    def billions(self) -> float:
        """How many parameters the name promises."""
        found = re.search(r"(\d+(?:\.\d+)?)b", f"{self.model}:{self.tag}".lower())
        return float(found[1]) if found else 1.0


@dataclass(frozen=True)
class Model:
    """A model that is there."""

    name: str
    digest: str
    size: int
    modified: float
    parameter_size: str
    family: str

    def details(self) -> dict[str, Any]:
        return {
            "parent_model": "",
            "format": "gguf",
            "family": self.family,
            "families": [self.family],
            "parameter_size": self.parameter_size,
            "quantization_level": "Q4_K_M",
        }

    def summary(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "model": self.name,
            "modified_at": moment(self.modified),
            "size": self.size,
            "digest": self.digest,
            "details": self.details(),
        }


class Store:
    """`manifests/HOST/NAMESPACE/MODEL/TAG` and `blobs/sha256-…` in a folder."""

    def __init__(self, folder: Path, pull_s: float) -> None:
        self.folder = folder
        self.pull_s = pull_s

    def models(self) -> list[Model]:
        """Newest first."""
        found = [self._read(path) for path in (self.folder / "manifests").glob("*/*/*/*")]
        return sorted(found, key=lambda model: model.modified, reverse=True)

    def find(self, name: Name) -> Model | None:
        path = self._manifest(name)
        return self._read(path) if path.is_file() else None

    def delete(self, name: Name) -> None:
        """Blobs that no other manifest needs go with it."""
        self._manifest(name).unlink()
        manifests = (self.folder / "manifests").glob("*/*/*/*")
        used = {layer["digest"] for path in manifests for layer in _layers(json.loads(path.read_text()))}
        for blob in (self.folder / "blobs").iterdir():
            if "partial" not in blob.name and blob.name.replace("-", ":", 1) not in used:
                blob.unlink()

    def pull(self, name: Name) -> Iterator[dict[str, Any]]:
        """The events of a pull, in the time that it takes. What an earlier pull brought is not brought again."""
        yield {"status": "pulling manifest"}
        if "missing" in name.model:
            raise PullError("pull model manifest: file does not exist")
        manifest = _made_up(name)
        for layer in _layers(manifest):
            yield from self._pull_layer(layer, broken="broken" in name.model)
        yield {"status": "verifying sha256 digest"}
        yield {"status": "writing manifest"}
        path = self._manifest(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(manifest))
        yield {"status": "success"}

    def _pull_layer(self, layer: dict[str, Any], *, broken: bool) -> Iterator[dict[str, Any]]:
        digest, total = layer["digest"], layer["size"]
        event = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": total}
        blob = self.folder / "blobs" / digest.replace(":", "-")
        if blob.exists():
            yield {**event, "completed": total}
            return
        steps, piece = (STEPS if total > STEP_BYTES else 1), min(total, STEP_BYTES)
        partial = blob.with_name(f"{blob.name}-partial")
        partial.parent.mkdir(parents=True, exist_ok=True)
        yield event  # the first one carries no `completed`
        try:
            with partial.open("ab") as file:  # who goes away leaves what there is to the next one
                for step in range(partial.stat().st_size // piece + 1, steps + 1):
                    if steps > 1:
                        time.sleep(self.pull_s / steps)
                    file.write(digest.encode().ljust(piece, b"\0"))
                    file.flush()
                    if broken and step >= STEPS // 2:
                        raise PullError("max retries exceeded: unexpected EOF")
                    yield {**event, "completed": total * step // steps}
        except OSError as error:
            raise PullError(f"write {partial}: {(error.strerror or '').lower()}") from error
        if partial.exists():  # else somebody else has finished it meanwhile
            partial.replace(blob)

    def _manifest(self, name: Name) -> Path:
        return self.folder / "manifests" / name.host / name.namespace / name.model / name.tag

    def _read(self, path: Path) -> Model:
        name = Name(*path.parts[-4:])
        manifest = path.read_bytes()
        return Model(
            name=str(name),
            digest=hashlib.sha256(manifest).hexdigest(),
            size=sum(layer["size"] for layer in _layers(json.loads(manifest))),
            modified=path.stat().st_mtime,
            parameter_size=f"{name.billions():.1f}B",
            family=re.split(r"[\d.:-]", name.model)[0] or name.model,
        )


def moment(seconds: float) -> str:
    """A time as Go writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _made_up(name: Name) -> dict[str, Any]:
    """A manifest that is always the same for a name; sizes are what Q4_K_M takes."""
    sizes = {"model": int(name.billions() * 0.62e9), "template": 1700, "params": 96}
    layers = [
        {"mediaType": f"application/vnd.ollama.image.{kind}", "digest": _digest(f"{name} {kind}"), "size": size}
        for kind, size in sizes.items()
    ]
    media = "application/vnd.docker.distribution.manifest.v2+json"
    config = {"mediaType": "application/vnd.docker.container.image.v1+json", "digest": _digest(f"{name}"), "size": 485}
    return {"schemaVersion": 2, "mediaType": media, "config": config, "layers": layers}


def _digest(text: str) -> str:
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _layers(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    return [*manifest["layers"], manifest["config"]]
