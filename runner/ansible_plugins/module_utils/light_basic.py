"""Stands in for ansible.module_utils.basic in bundled modules (runner/bundles.py): what ours use of it, nothing else.
Loading the original takes a host longer than most of what our modules do there. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Dict, Iterator, List, Mapping, NoReturn, Optional, Sequence, Set, Tuple

ARGUMENTS: Dict[str, Any] = {}
"""What the task says, and what Ansible says about the run; set by the bundle."""
OURS = "_ansible_"
HIDDEN = "********"
WHOLE = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
SBIN = ("/sbin", "/usr/sbin", "/usr/local/sbin")
YES = frozenset(("yes", "on", "1", "true", "y", "t"))
NO = frozenset(("no", "off", "0", "false", "n", "f"))


class ArgumentError(Exception):
    """An argument is not what the module asks for; the message names it."""


class AnsibleModule:
    """The same words as Ansible's own."""

    def __init__(self, argument_spec, *, required_if=(), supports_check_mode=False):
        given = {key: value for key, value in ARGUMENTS.items() if not key.startswith(OURS)}
        self.check_mode = bool(ARGUMENTS.get(OURS + "check_mode"))
        self._diff = bool(ARGUMENTS.get(OURS + "diff"))
        self._warnings: List[str] = []
        self.no_log_values = secrets(argument_spec, given)
        self.params: Dict[str, Any] = {}
        try:
            self.params = checked(argument_spec, given, required_if)
        except ArgumentError as error:
            self.fail_json(msg=str(error))
        if self.check_mode and not supports_check_mode:
            self.exit_json(skipped=True, msg="this module cannot say what it would do")

    def exit_json(self, **answer: Any) -> NoReturn:
        """Say what was reached, and end."""
        self._end({"changed": False, **answer}, 0)

    def fail_json(self, msg: str, **answer: Any) -> NoReturn:
        """Say why not, and end."""
        self._end({"failed": True, "msg": msg, **answer}, 1)

    def warn(self, warning: str) -> None:
        """Say something more with the answer."""
        self._warnings.append(warning)

    def run_command(self, args: Sequence[str], environ_update: Optional[Mapping[str, str]] = None):
        """(code, standard output, standard error). Fails where there is no such program."""
        try:
            done = subprocess.run(
                list(args),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **(environ_update or {})},
                check=False,
            )
        except OSError as error:
            self.fail_json(msg="%s cannot be run: %s" % (args[0], error.strerror), rc=error.errno)
        return done.returncode, _text(done.stdout), _text(done.stderr)

    def get_bin_path(self, arg: str, opt_dirs: Sequence[str] = ()) -> Optional[str]:
        """Where a program is; None when it is nowhere."""
        folders = [*opt_dirs, *os.environ.get("PATH", os.defpath).split(os.pathsep), *SBIN]
        return shutil.which(arg, path=os.pathsep.join(folders))

    def atomic_move(self, src: str, dest: str) -> None:
        """At once or not at all; mode and owner of a file that is there stay. Made in its folder, so that it gets what
        SELinux wants of files there.
        """
        descriptor, temporary = tempfile.mkstemp(prefix=".slipway-", dir=os.path.dirname(dest) or ".")
        os.close(descriptor)
        try:
            shutil.copyfile(src, temporary)
            if os.path.exists(dest):
                there = os.stat(dest)
                os.chmod(temporary, there.st_mode & 0o7777)
                os.chown(temporary, there.st_uid, there.st_gid)
            else:
                os.chmod(temporary, 0o666 & ~_umask())
            os.replace(temporary, dest)
        except BaseException:
            os.unlink(temporary)
            raise
        os.unlink(src)

    def _end(self, answer: Dict[str, Any], code: int) -> NoReturn:
        if self._warnings:
            answer["warnings"] = self._warnings
        sys.stdout.write(json.dumps(hidden(answer, self.no_log_values), default=str) + "\n")
        sys.exit(code)


def checked(spec: Mapping[str, Any], given: Mapping[str, Any], required_if: Sequence[Tuple[str, Any, List[str]]] = ()):
    """Arguments with their defaults, each of its type. Raises ArgumentError."""
    unknown = sorted(given.keys() - spec.keys())
    if unknown:
        raise ArgumentError("Unsupported parameters: %s. Supported are: %s" % (", ".join(unknown), ", ".join(spec)))
    found = {name: _value(name, one, given.get(name, one.get("default"))) for name, one in spec.items()}
    missing = [name for name, one in spec.items() if one.get("required") and name not in given]
    for key, value, names in required_if:
        missing += [name for name in names if found[key] == value and found[name] is None]
    if missing:
        raise ArgumentError("missing required arguments: %s" % ", ".join(sorted(set(missing))))
    return found


def secrets(spec: Mapping[str, Any], given: Mapping[str, Any]) -> Set[str]:
    """Every value below an argument that must not be shown."""
    return {text for name, one in spec.items() if one.get("no_log") for text in _leaves(given.get(name)) if text}


def hidden(value: Any, secret: Set[str]) -> Any:
    """The same without the secret values, wherever they stand."""
    if not secret:
        return value
    if isinstance(value, dict):
        return {key: hidden(inner, secret) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [hidden(inner, secret) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    if str(value) in secret:
        return WHOLE
    if isinstance(value, str):
        for one in sorted(secret, key=len, reverse=True):
            value = value.replace(one, HIDDEN)
    return value


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _leaves(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


def _value(name: str, spec: Mapping[str, Any], given: Any) -> Any:
    if given is None and spec.get("default") is None:
        return None
    if given is None:
        raise ArgumentError("argument %s is null; leave it out to have its default" % name)
    value = _TYPES[spec.get("type", "str")](name, given)
    if spec.get("type") == "list":
        inner = {"type": spec.get("elements", "raw"), "options": spec.get("options")}
        return [_value(name, inner, one) for one in value]
    if spec.get("options"):
        return checked(spec["options"], value)
    if "choices" in spec and value not in spec["choices"]:
        raise ArgumentError("value of %s must be one of: %s, got: %s" % (name, ", ".join(spec["choices"]), value))
    return value


def _as_str(name: str, given: Any) -> str:
    del name
    return given if isinstance(given, str) else str(given)


def _as_number(kind: Any) -> Any:
    def convert(name: str, given: Any) -> Any:
        with contextlib.suppress(TypeError, ValueError):
            if not isinstance(given, bool) and kind(given) == float(given):
                return kind(given)
        raise ArgumentError("argument %s is not a number: %s" % (name, given))

    return convert


def _as_bool(name: str, given: Any) -> bool:
    word = str(given).lower()
    if isinstance(given, bool) or word in YES | NO:
        return given if isinstance(given, bool) else word in YES
    raise ArgumentError("argument %s is neither true nor false: %s" % (name, given))


def _as_list(name: str, given: Any) -> List[Any]:
    if isinstance(given, (list, tuple)):
        return list(given)
    if isinstance(given, str):
        return [part.strip() for part in given.split(",")]
    raise ArgumentError("argument %s is not a list: %s" % (name, given))


def _as_dict(name: str, given: Any) -> Dict[str, Any]:
    if isinstance(given, Mapping):
        return dict(given)
    raise ArgumentError("argument %s is not a dictionary: %s" % (name, given))


def _as_path(name: str, given: Any) -> str:
    return os.path.expanduser(os.path.expandvars(_as_str(name, given)))


_TYPES = {
    "str": _as_str,
    "int": _as_number(int),
    "float": _as_number(float),
    "bool": _as_bool,
    "list": _as_list,
    "dict": _as_dict,
    "path": _as_path,
    "raw": lambda _, given: given,
}


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
