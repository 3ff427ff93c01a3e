"""Secrets of deployments: made once, kept ansible-vault encrypted beside the record, read back only when needed.

Ansible's own vault code does the encryption, so `ansible-vault view` and plain `ansible-playbook` work on the files.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets as random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from runner import beneath, bounded, generated, inert, markers, readback, vault_password
from runner.errors import CredentialsError
from runner.redact import Redactor
from runner.repo import Repo
from runner.secret_text import cleaned, flaw
from runner.vault_password import BRING, password

VARIABLE = "slipway_secrets"
revealed = Redactor()
"""Every value that this process has put in place: for whoever shows what came of it."""
CONFLICT = (b"<<<<<<<", b">>>>>>>")
GENERATED_BYTES = 24
"""192 random bits, 32 characters: no alphabet trouble in URLs and headers."""


_SECRETS = readback.named(readback.variable, readback.any_text)


def read(repo: Repo, name: str) -> dict[str, str]:
    """The stored secrets of a deployment; empty when there are none. Raises CredentialsError."""
    path = repo.secrets_file(name)
    beneath.check(repo.root, path)
    if not path.exists():
        return {}
    text = decrypted(repo, path)
    try:
        data: dict[str, str] = readback.checked_text(text, _stored(text))
    except (ValueError, LookupError, TypeError, RecursionError):
        raise _damaged(repo.relative(path), f"it holds no {VARIABLE}") from None
    if _SECRETS(data) is not None:
        raise _damaged(repo.relative(path), f"its {VARIABLE} are not names and texts")
    return data


def _stored(text: str) -> Any:
    """A file of an older version has no mark for Ansible; the next secret that is made for it adds one."""
    return json.loads(text)[VARIABLE] if text.startswith("{") else inert.parse(VARIABLE, text)


def ensure(repo: Repo, name: str, sources: Mapping[str, str], *, store: bool = True) -> dict[str, str]:
    """The value of every secret, made and stored where the source is `generate`. The rest is never stored.

    A generated value stays the same when the machine is replaced. Without `store` a new one is for this call only.
    Raises CredentialsError naming what is missing.
    """
    made = {key for key, source in sources.items() if source == "generate"}
    stored = read(repo, name) if made else {}
    missing = made - stored.keys()
    if missing:
        stored |= {key: random.token_urlsafe(GENERATED_BYTES) for key in missing}
        if store:
            _write(repo, name, stored)
    values = {key: _unmarked(stored[key], key) for key in made}
    return values | {key: external(repo, key, source) for key, source in sources.items() if key not in made}


def known(repo: Repo, name: str, sources: Mapping[str, str]) -> dict[str, str]:
    """The values that can be read here, for masking: makes none, and leaves out what is missing."""
    found: dict[str, str] = {}
    with contextlib.suppress(CredentialsError):
        found |= {key: value for key, value in read(repo, name).items() if sources.get(key) == "generate"}
    for key, source in sources.items():
        if source != "generate":
            with contextlib.suppress(CredentialsError):
                found[key] = external(repo, key, source)
    return found


def external(repo: Repo, key: str, source: str) -> str:
    """The value of a secret that is kept elsewhere, by the rule of `secret_text`. Raises CredentialsError naming it."""
    kind, _, place = source.partition(":")
    if kind == "env":
        value, hint = os.environ.get(place, ""), f"export {place}=… and run again"
    elif kind == "file":
        value, hint = _file(repo, place), f"put the secret into {place}, readable by you only"
    else:
        found = _shared(repo).get(place)
        value = "" if found is None else str(found)
        verb = "edit" if _shared_file(repo).exists() else "create"
        hint = f"add {place} with: ansible-vault {verb} {repo.relative(_shared_file(repo))}"
    value = cleaned(value)
    name = f"{key} ({source})" if key else source
    if not value:
        raise CredentialsError(f"the secret {name} has no value here", code="missing-secret-value", hint=hint)
    if wrong := flaw(value):
        hint = "a secret is text; encode what is not, for example as base64"
        raise CredentialsError(f"the secret {name} {wrong}", code="unusable-secret-value", hint=hint)
    return _unmarked(value, name)


def _unmarked(value: str, name: str) -> str:
    if markers.inside(value):
        hint = "give the secret another value, and see who wrote this one"
        raise CredentialsError(f"the secret {name}: {markers.SHOWN}", code=markers.CODE, hint=hint)
    return value


def _file(repo: Repo, place: str) -> str:
    """The text of a file, undecodable bytes kept for `flaw`; empty when there is none. Raises CredentialsError."""
    try:
        content = bounded.read(bounded.expanded(repo.root, place), bounded.SECRET_LIMIT)
    except bounded.NoFile:
        return ""
    except bounded.OddFile as odd:
        hint = "name a file that holds the secret and nothing else"
        raise CredentialsError(f"the secret file {place} {odd}", code="odd-secret-file", hint=hint) from None
    return content.decode("utf-8", "surrogateescape")


def _shared(repo: Repo) -> dict[str, Any]:
    """`vault:NAME` is a variable of the repository's own vault file, which people edit with ansible-vault."""
    import yaml

    path = _shared_file(repo)
    if not path.exists():
        return {}
    text = decrypted(repo, path)
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # the second: a date that there is not
        raise _damaged(repo.relative(path), "what is encrypted there is not YAML") from None
    return data if isinstance(data, dict) else {}


def _shared_file(repo: Repo) -> Path:
    return repo.inventory / "group_vars" / "all" / "vault.yaml"


def _damaged(file: str, why: str, hint: str = "") -> CredentialsError:
    """Raised from nothing: the original error shows the text that could not be read, and that is secret."""
    hint = hint or f"repair it with: ansible-vault edit {file}; or restore it from git"
    return CredentialsError(f"{file} is damaged: {why}", code="damaged-secrets", hint=hint)


def decrypted(repo: Repo, path: Path, key: str = "") -> str:
    """What is encrypted in a file. Raises CredentialsError."""
    file = repo.relative(path)
    try:
        content = bounded.read(path, bounded.VAULT_LIMIT)
    except (bounded.NoFile, bounded.OddFile) as error:
        raise _damaged(file, str(error), "restore it from git") from None
    return _lib(key or password(repo), file).decrypt(content)


def _write(repo: Repo, name: str, values: Mapping[str, str]) -> None:
    """Encrypts with the one password of the repository. Raises CredentialsError where there are two."""
    plain = inert.dump(VARIABLE, dict(values), "Generated by `runner`; nothing in here is a template")
    store(repo, repo.secrets_file(name), plain)


def store(repo: Repo, path: Path, plain: str, *, once: bool = False) -> None:
    """Write a file encrypted; with `once`, not where there is one already. Raises CredentialsError."""
    with vault_password.one_writer(repo):
        if once and path.exists():
            return
        key = password(repo)
        lib = _lib(key, "")
        vault_password.require_one_password(repo, key, lib.opens, but=path)
        generated.write(path, lib.encrypt(plain), mode=0o600, below=repo.root)


def troubles(repo: Repo) -> tuple[int, list[CredentialsError]]:
    """(how many files there are, why some do not open). Raises CredentialsError without a password."""
    files = sorted({*vault_password.encrypted(repo), *repo.host_vars.glob("*/secrets.yaml")})
    key = password(repo) if files else ""
    found: list[CredentialsError] = []
    for path in files:
        try:
            decrypted(repo, path, key)
        except CredentialsError as error:
            found.append(error)
    return len(files), found


class _lib:  # noqa: N801 - a thin adapter, used like a function
    """ansible-vault, imported only when a secret is really touched (0.2 s)."""

    def __init__(self, key: str, file: str) -> None:
        from ansible.constants import DEFAULT_VAULT_IDENTITY
        from ansible.parsing.vault import VaultLib, VaultSecret

        self._file = file
        self._vault = VaultLib([(DEFAULT_VAULT_IDENTITY, VaultSecret(key.encode("utf-8", "surrogateescape")))])

    def encrypt(self, text: str) -> str:
        encrypted: bytes = self._vault.encrypt(text)
        return encrypted.decode()

    def opens(self, data: bytes) -> bool:
        """Whether the password is the right one; what is damaged tells nothing against it."""
        try:
            self.decrypt(data)
        except CredentialsError as error:
            return error.code != "wrong-vault-password"
        return True

    def decrypt(self, data: bytes) -> str:
        from ansible.errors import AnsibleError
        from ansible.parsing.vault import AnsibleVaultFormatError, is_encrypted

        if any(line.startswith(CONFLICT) for line in data.splitlines()):
            hint = f"keep one side: git checkout --ours {self._file}, or --theirs"
            raise _damaged(self._file, "it has the marks of a merge conflict", hint)
        if not is_encrypted(data):
            hint = f"restore it from git, or run: ansible-vault encrypt {self._file}"
            raise _damaged(self._file, "it is not encrypted", hint)
        try:
            plain: bytes = self._vault.decrypt(data)
        except AnsibleVaultFormatError:
            raise _damaged(self._file, "it is not whole", "restore it from git") from None
        except AnsibleError as error:
            raise CredentialsError(
                f"{self._file} cannot be decrypted with the vault password of this machine",
                code="wrong-vault-password",
                hint=BRING,
            ) from error
        try:
            return plain.decode()
        except UnicodeDecodeError:
            raise _damaged(self._file, "what is encrypted there is not UTF-8") from None


def reveal(value: Any, secrets: Mapping[str, str]) -> Any:
    """Data with every secret put in place. The result must not be written or shown."""
    for secret in secrets.values():
        revealed.add(secret)
    return _revealed(value, secrets)


def _revealed(value: Any, secrets: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        if isinstance(value.get("secret_parts"), list):
            return "".join(part if isinstance(part, str) else secrets[part["secret"]] for part in value["secret_parts"])
        return {key: _revealed(item, secrets) for key, item in value.items()}
    return [_revealed(item, secrets) for item in value] if isinstance(value, list) else value
