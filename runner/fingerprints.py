"""Whether the value of a secret is the one that was applied, told by a keyed hash (HMAC-SHA256) in the record.

The key is made once for a repository and kept encrypted in `inventory/secrets_key.yaml`: a record alone tells nothing
about a value. Where key or value cannot be read, nothing is known, and nothing is done about it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import secrets as random
from collections.abc import Mapping
from dataclasses import dataclass, field

from runner import bounded, vault, vault_password
from runner.domain import Desired, Record
from runner.errors import CredentialsError
from runner.repo import Repo

VARIABLE = "slipway_secrets_key"
STORED = ":stored"
"""Beside the names of secrets: a hash of the encrypted file. While that is the same, nothing made here has changed, and
nothing need be decrypted to know it.
"""
_DIGITS = 32
_GENERATED = "generate"


@dataclass(frozen=True, slots=True)
class Compared:
    """What is known of the secrets of one deployment."""

    changed: tuple[str, ...] = ()
    """Names whose value is another one than the one that was applied."""
    unknown: tuple[str, ...] = ()
    """Names whose value cannot be read here."""


def applied(repo: Repo, name: str, sources: Mapping[str, str]) -> dict[str, str]:
    """What a record remembers of the secrets that are about to be put in place; of what cannot be read, nothing.

    The key is made where there is none yet, and where its password is sure to last.
    """
    if not sources:
        return {}
    key = b""
    with contextlib.suppress(CredentialsError):
        key = _read_key(repo) or _make_key(repo)
    values = vault.known(repo, name, sources) if key else {}
    found = {one: fingerprint(key, one, value) for one, value in sorted(values.items())}
    stored = _file_hash(repo, name) if _GENERATED in sources.values() else ""
    return {**found, STORED: stored} if stored else found


def fingerprint(key: bytes, name: str, value: str) -> str:
    """Of one value. It begins with which key it was made by: of another key's nothing can be said."""
    code = hmac.new(key, f"{name}\0{value}".encode(), hashlib.sha256).hexdigest()[:_DIGITS]
    return f"{_id(key)}-{code}"


@dataclass
class Comparison:
    """Compares many deployments; key and values are read once, and only when they are needed."""

    repo: Repo
    _values: dict[str, str | None] = field(default_factory=dict)
    _vault_opens: bool = True
    _key: bytes | None = None

    def compare(self, want: Desired, record: Record) -> Compared:
        """What has changed since, of the secrets that come from where they came from then."""
        changed, unknown = [], []
        for name, value in sorted(self._now(want, record).items()):
            same = self._same(record.secrets[name], name, value)
            if same is None:
                unknown.append(name)
            elif not same:
                changed.append(name)
        return Compared(tuple(changed), tuple(unknown))

    def _now(self, want: Desired, record: Record) -> dict[str, str | None]:
        """Name → value; None where it cannot be read. Without those that cannot have changed."""
        sources, before = want.spec["secrets"], record.spec.get("secrets", {})
        names = [name for name in record.secrets if name in sources and before.get(name) == sources[name]]
        found = {name: self._elsewhere(sources[name]) for name in names if sources[name] != _GENERATED}
        if len(found) < len(names) and record.secrets.get(STORED) != _file_hash(self.repo, want.name):
            made = [name for name in names if sources[name] == _GENERATED]
            found |= dict.fromkeys(made) | self._made_here(want.name, made)
        return found

    def _made_here(self, deployment: str, names: list[str]) -> dict[str, str]:
        """What was taken out of the file is made anew, so it is another value than before."""
        with contextlib.suppress(CredentialsError):
            stored = vault.read(self.repo, deployment)
            return {name: stored.get(name, "") for name in names}
        return {}

    def _elsewhere(self, source: str) -> str | None:
        if source not in self._values:
            self._values[source] = self._read(source)
        return self._values[source]

    def _read(self, source: str) -> str | None:
        """A vault that does not open is tried once."""
        from_vault = source.startswith("vault:")
        if from_vault and not self._vault_opens:
            return None
        try:
            return vault.external(self.repo, "", source)
        except CredentialsError as error:
            self._vault_opens = self._vault_opens and (not from_vault or error.code == "missing-secret-value")
            return None

    def _same(self, before: str, name: str, value: str | None) -> bool | None:
        if value is None:
            return None
        if self._key is None:
            self._key = _read_key(self.repo)
        if not self._key or not before.startswith(f"{_id(self._key)}-"):
            return None
        return hmac.compare_digest(before, fingerprint(self._key, name, value))


def _id(key: bytes) -> str:
    return hashlib.sha256(b"id\0" + key).hexdigest()[:8]


def _file_hash(repo: Repo, name: str) -> str:
    """Of what is encrypted, not of what is in it. Empty when there is no file."""
    with contextlib.suppress(bounded.NoFile, bounded.OddFile):
        return hashlib.sha256(bounded.read(repo.secrets_file(name), bounded.VAULT_LIMIT)).hexdigest()[:_DIGITS]
    return ""


def _read_key(repo: Repo) -> bytes:
    """Empty where there is none, or where it cannot be read."""
    with contextlib.suppress(CredentialsError, ValueError, LookupError, TypeError):
        text = vault.decrypted(repo, repo.secrets_key) if repo.secrets_key.exists() else "{}"
        return bytes.fromhex(json.loads(text)[VARIABLE])
    return b""


def _make_key(repo: Repo) -> bytes:
    """Of two that make one at the same time, the first. In CI none is made with a password that ends with the job."""
    if os.environ.get("CI") and not vault_password.is_known(repo):
        return b""
    vault.store(repo, repo.secrets_key, json.dumps({VARIABLE: random.token_hex(32)}), once=True)
    return _read_key(repo)
