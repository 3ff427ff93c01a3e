"""A small client of the Docker Engine API. Standard library only: it runs on the target host inside Ansible
modules, and on the controller. Speaks, but decides nothing.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import quote, urlencode

from .docker_socket import TIMEOUT_S, DockerError, login_header, request, socket_path

if TYPE_CHECKING:
    from http.client import HTTPResponse

NEWEST_KNOWN = (1, 47)
PULL_TIMEOUT_S = 900
"""Longest silence in a pull: unpacking one large layer says nothing for minutes."""
FRAME_HEADER = 8
REMOVE_PAUSES_S = (1.0, 3.0)
"""Between attempts to remove a container by force."""
NOT_FOUND, CONFLICT, INTERNAL = 404, 409, 500


class Docker:
    """One engine. Connects on each call; calls block until the engine has done it."""

    def __init__(self, socket: str = "") -> None:
        self.path = socket_path(socket)
        self._version = ""

    def ping(self) -> str:
        """The API version that will be spoken."""
        with request(self.path, "GET", "/_ping", TIMEOUT_S) as response:
            theirs = response.headers.get("Api-Version", "1.41")
        newest = min(tuple(int(part) for part in theirs.split(".")), NEWEST_KNOWN)
        self._version = ".".join(str(part) for part in newest)
        return self._version

    def info(self) -> Dict[str, Any]:
        """What the engine says of itself: ServerVersion, Runtimes, NCPU, MemTotal and more."""
        answer: Dict[str, Any] = self._json("GET", "/info")
        return answer

    def containers(self, labels: Mapping[str, str]) -> List[Dict[str, Any]]:
        """All containers with these labels, running or not."""
        answer: List[Dict[str, Any]] = self._json("GET", listing(labels))
        return answer

    def inspect(self, name: str) -> Optional[Dict[str, Any]]:
        """Everything about a container; None when there is none."""
        return self._json_or_none(_container(name, "/json"))

    def create(self, name: str, config: Mapping[str, Any]) -> Dict[str, Any]:
        """Make a container, not yet running: {Id, Warnings}."""
        answer: Dict[str, Any] = self._json("POST", "/containers/create", {"name": name}, config)
        return answer

    def start(self, name: str) -> None:
        """Quiet when it runs already."""
        self._call("POST", _container(name, "/start"))

    def unpause(self, name: str) -> None:
        """Let a paused container go on."""
        self._call("POST", _container(name, "/unpause"))

    def stop(self, name: str, timeout_s: int = 30) -> None:
        """Ask it to end, kill it after the timeout. Quiet when it has stopped already."""
        path = _container(name, "/stop")
        self._call("POST", path, {"t": timeout_s}, timeout_s=timeout_s + TIMEOUT_S)

    def rename(self, name: str, to: str) -> None:
        """Give a container another name, running or not."""
        self._call("POST", _container(name, "/rename"), {"name": to})

    def remove(self, name: str, *, force: bool = False, volumes: bool = False) -> None:
        """Quiet when there is none. `volumes` means the nameless ones that came with it.

        A busy engine gives up killing a container after ten seconds of its own, and one that is being restarted at that
        moment may escape: forced, it is asked again.
        """
        pauses_s = list(REMOVE_PAUSES_S) if force else []
        while not self._removed(name, {"force": int(force), "v": int(volumes)}, last=not pauses_s):
            time.sleep(pauses_s.pop(0))

    def _removed(self, name: str, query: Mapping[str, Any], *, last: bool) -> bool:
        try:
            self._quietly("DELETE", _container(name), query)
        except DockerError as error:
            if last or error.status not in (CONFLICT, INTERNAL):
                raise
            return False
        return True

    def logs(self, name: str, *, follow: bool = False, lines: int = 100) -> Iterator[str]:
        """Output lines, oldest first, of both streams. Blocks while following, until the container ends."""
        container = self.inspect(name)
        if container is None:
            raise DockerError(404, f"No such container: {name}")
        query = {"follow": int(follow), "stdout": 1, "stderr": 1, "tail": lines}
        path = _container(name, "/logs?" + urlencode(query))
        with request(self.path, "GET", self._versioned(path), None if follow else TIMEOUT_S) as response:
            yield from _lines(_raw(response) if container["Config"]["Tty"] else _frames(response))

    def image(self, reference: str) -> Optional[Dict[str, Any]]:
        """Everything about an image that the engine has; None when it has not."""
        return self._json_or_none(f"/images/{quote(reference, safe='/:@')}/json")

    def pull(self, reference: str, login: Optional[Mapping[str, str]] = None) -> None:
        """Fetch an image from its registry, with a login if it needs one; the engine keeps nothing of it. Raises
        DockerError also for a failure in the middle of the transfer.
        """
        name, tag = split_reference(reference)
        path = "/images/create?" + urlencode({"fromImage": name, "tag": tag})
        said = login_header(login)
        with request(self.path, "POST", self._versioned(path), PULL_TIMEOUT_S, headers=said) as response:
            for line in response:
                failure = _failure(line)
                if failure:
                    raise DockerError(200, failure)

    def archive(self, name: str, path: str) -> str:
        """Where a folder or file of a container is read and written, running or not, as a tar."""
        return self._versioned(_container(name, "/archive")) + "?" + urlencode({"path": path})

    def volumes(self, labels: Mapping[str, str]) -> List[Dict[str, Any]]:
        """All volumes with these labels."""
        return self._json("GET", "/volumes", {"filters": _filters(labels)})["Volumes"] or []

    def create_volume(self, name: str, labels: Mapping[str, str]) -> Dict[str, Any]:
        """The volume of that name: a new one with these labels, or the existing one as it is."""
        answer: Dict[str, Any] = self._json("POST", "/volumes/create", body={"Name": name, "Labels": dict(labels)})
        return answer

    def remove_volume(self, name: str) -> None:
        """Quiet when there is none."""
        self._quietly("DELETE", f"/volumes/{quote(name, safe='')}")

    def networks(self, labels: Mapping[str, str]) -> List[Dict[str, Any]]:
        """All networks with these labels."""
        answer: List[Dict[str, Any]] = self._json("GET", "/networks", {"filters": _filters(labels)})
        return answer

    def network(self, name: str) -> Optional[Dict[str, Any]]:
        """Everything about a network; None when there is none."""
        return self._json_or_none(f"/networks/{quote(name, safe='')}")

    def create_network(self, name: str, labels: Mapping[str, str]) -> None:
        """A bridge of its own, in which containers find each other by name."""
        self._call("POST", "/networks/create", body={"Name": name, "CheckDuplicate": True, "Labels": dict(labels)})

    def remove_network(self, name: str) -> None:
        """Quiet when there is none."""
        self._quietly("DELETE", f"/networks/{quote(name, safe='')}")

    def _versioned(self, path: str) -> str:
        return f"/v{self._version or self.ping()}{path}"

    def _json(self, method: str, path: str, query: Optional[Mapping[str, Any]] = None, body: Any = None) -> Any:
        return json.loads(self._call(method, path, query, body))

    def _json_or_none(self, path: str) -> Optional[Dict[str, Any]]:
        try:
            answer: Dict[str, Any] = self._json("GET", path)
        except DockerError as error:
            if error.status == NOT_FOUND:
                return None
            raise
        return answer

    def _quietly(self, method: str, path: str, query: Optional[Mapping[str, Any]] = None) -> None:
        try:
            self._call(method, path, query)
        except DockerError as error:
            if error.status != NOT_FOUND:
                raise

    def _call(
        self,
        method: str,
        path: str,
        query: Optional[Mapping[str, Any]] = None,
        body: Any = None,
        timeout_s: float = TIMEOUT_S,
    ) -> bytes:
        target = self._versioned(path) + ("?" + urlencode(query) if query else "")
        with request(self.path, method, target, timeout_s, body) as response:
            return response.read()


def listing(labels: Mapping[str, str]) -> str:
    """Where the engine lists all containers with these labels, running or not."""
    return "/containers/json?" + urlencode({"all": 1, "filters": _filters(labels)})


def _failure(line: bytes) -> str:
    """What one line of a transfer says is wrong; empty when nothing is. Proxies put pages of their own in between."""
    try:
        found = json.loads(line) if line.strip() else {}
    except ValueError:
        return "the engine's answer cannot be read: %s" % line[:200].decode("utf-8", "replace").strip()
    return str(found.get("error") or "") if isinstance(found, dict) else ""


def volumes_listing(labels: Mapping[str, str]) -> str:
    """Where the engine lists all volumes with these labels."""
    return "/volumes?" + urlencode({"filters": _filters(labels)})


def split_reference(reference: str) -> Tuple[str, str]:
    """(name, tag or digest) of an image reference. Without a tag the engine would fetch every one: latest."""
    name, _, digest = reference.partition("@")
    start = name.rfind("/") + 1
    repository, _, tag = name[start:].partition(":")
    return name[:start] + repository, digest or tag or "latest"


def _container(name: str, what: str = "") -> str:
    return f"/containers/{quote(name, safe='')}{what}"


def _filters(labels: Mapping[str, str]) -> str:
    return json.dumps({"label": [f"{key}={value}" for key, value in sorted(labels.items())]})


def _frames(response: HTTPResponse) -> Iterator[Tuple[int, bytes]]:
    """(stream, bytes): eight bytes of header, then as much as it says."""
    while True:
        header = response.read(FRAME_HEADER)
        if len(header) < FRAME_HEADER:
            return
        yield header[0], response.read(int.from_bytes(header[4:], "big"))


def _raw(response: HTTPResponse) -> Iterator[Tuple[int, bytes]]:
    """A container with a terminal has one stream without headers."""
    while True:
        data = response.read1(65536)
        if not data:
            return
        yield 1, data


def _lines(parts: Iterator[Tuple[int, bytes]]) -> Iterator[str]:
    """Whole lines; the two streams do not cut each other's lines."""
    pending: Dict[int, bytes] = {}
    for stream, data in parts:
        *whole, pending[stream] = (pending.get(stream, b"") + data).split(b"\n")
        yield from (line.decode("utf-8", "replace").rstrip("\r") for line in whole)
    yield from (rest.decode("utf-8", "replace") for rest in pending.values() if rest)
