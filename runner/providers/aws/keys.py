"""SSH keys: the host key that we make for a new machine, and the public half of the key that people log in with."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from runner import bounded, programs
from runner.errors import CredentialsError, ProviderError

DEFAULTS = ("id_ed25519", "id_ecdsa", "id_rsa")


def new_host_key() -> tuple[str, str]:
    """(private, public) of a key that no machine has yet. The private half is never written outside of memory files."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "key"
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except FileNotFoundError as error:
            raise ProviderError("ssh-keygen is not installed", code="no-ssh", hint="install openssh-client") from error
        return path.read_text(encoding="ascii"), path.with_suffix(".pub").read_text(encoding="ascii").strip()


def public_half(key: str) -> str:
    """The line for authorized_keys that belongs to a private key file; without one, to the person's default key.

    Raises CredentialsError when there is none.
    """
    if key:
        path = Path(os.path.expanduser(key))  # noqa: PTH111 - quiet about users nobody knows
        found = _beside(path) or _derived(path)
        if found:
            return found
        hint = "check providers.aws.key or machine.key; a key with a passphrase needs its .pub file beside it"
        raise CredentialsError(f"the key {key} cannot be used", code="ssh-key-unusable", hint=hint)
    folder = Path.home() / ".ssh"
    found = next(filter(None, (_beside(folder / name) for name in DEFAULTS)), "") or _of_agent()
    if not found:
        hint = "make one with: ssh-keygen -t ed25519; or name one: providers: {aws: {key: FILE}} in runner.yaml"
        raise CredentialsError("there is no SSH key to log in with", code="no-ssh-key", hint=hint)
    return found


def _beside(path: Path) -> str:
    public = path.with_name(path.name + ".pub")
    try:
        return bounded.read(public, bounded.SECRET_LIMIT).decode("utf-8", "replace").strip()
    except (bounded.NoFile, bounded.OddFile):
        return ""


def _derived(path: Path) -> str:
    return _said("ssh-keygen", "-y", "-P", "", "-f", str(path)) if path.is_file() else ""


def _of_agent() -> str:
    return _said("ssh-add", "-L").partition("\n")[0] if _said("ssh-add", "-L").startswith("ssh-") else ""


def _said(*command: str) -> str:
    """Standard output of a command that succeeded; empty otherwise."""
    try:
        said = programs.run(command)
    except FileNotFoundError:
        return ""
    return said.out.strip() if said.code == 0 else ""
