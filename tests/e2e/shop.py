"""A repository that rents machines from the lab's cloud, and ways to kill its runner."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.e2e import world as look
from tests.e2e.world import World
from tests.lab import machine, network, ready, usage
from tests.lab.cloud import SILENCE, Cloud

WORD = "template: spark\nprovider: aws\nmachine: {%s}\nports: {web: 8080}\n"
SMALL, SPOT = "type: g6.xlarge", "type: g6.2xlarge, spot: true"
PERSISTENT = "type: g6.2xlarge, spot: {type: persistent}, address: public"


@dataclass(frozen=True)
class Shop:
    """A repository and its cloud."""

    world: World
    cloud: Cloud

    def write(self, name: str, machine: str = SMALL, text: str = "") -> None:
        """The deployment of the smallest service."""
        self.world.deployment(name, WORD % machine + text)

    def states(self) -> dict[str, str]:
        """Machine → state, of all that cost something."""
        return {one.id: one.state for one in self.cloud.alive}

    def let_in(self) -> set[tuple[int, str]]:
        """(port, network) of everything that our groups let in."""
        groups = self.cloud.client("ec2").describe_security_groups()["SecurityGroups"]
        rules = [rule for one in groups if one["GroupName"] != "default" for rule in one["IpPermissions"]]
        return {(rule["FromPort"], entry["CidrIp"]) for rule in rules for entry in rule["IpRanges"]}

    def left(self) -> list[str]:
        """Everything that may cost or be in the way, whoever it belongs to."""
        found = [*self.states()]
        ec2 = self.cloud.client("ec2")
        found += [one["VolumeId"] for one in ec2.describe_volumes()["Volumes"]]
        groups = ec2.describe_security_groups()["SecurityGroups"]
        found += [one["GroupName"] for one in groups if one["GroupName"] != "default"]
        requests = ec2.describe_spot_instance_requests()["SpotInstanceRequests"]
        buying = ("open", "active", "disabled")
        return found + [one["SpotInstanceRequestId"] for one in requests if one["State"] in buying]

    def killed(self, action: str, *words: str, done: bool = True) -> None:
        """Run a command, and kill it while it waits for the answer to a call. `done`: AWS has done it already."""
        calls = len(self.cloud.calls)
        self.cloud.faults.add(action, SILENCE, after_success=done)
        runner = self.world.start(*words)
        look.until(lambda: runner.poll() is not None or self._asked(action, calls), timeout_s=180)
        assert runner.poll() is None, f"{words} never came to {action}: {runner.communicate()}"
        self.kill(runner.pid)
        runner.communicate()
        self.cloud.faults.clear()

    @staticmethod
    def kill(pid: int) -> None:
        """As the kernel does when memory is short: no word of farewell. What it has started lives on."""
        os.kill(pid, signal.SIGKILL)

    def _asked(self, action: str, since: int) -> bool:
        return any(call.action == action and call.error == SILENCE for call in list(self.cloud.calls)[since:])


@contextmanager
def who_asks() -> Iterator[str]:
    """Stands for checkip.amazonaws.com, as seen from the lab's hosts: the address that this machine has there."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"{network.gateway(network.ensure())}\n".encode())

        def log_message(self, *_: object) -> None:
            """Nobody wants to read it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@contextmanager
def opened(folder: Path) -> Iterator[Shop]:
    """A new repository with a cloud of its own."""
    ready.pullable("tiny")
    with ExitStack() as stack, Cloud(machines=True) as cloud:
        world = look.build(folder)
        aws: dict[str, Any] = {
            "address": "private",
            "key": str(machine.key()),
            "checkip": stack.enter_context(who_asks()),
        }
        world.settings(
            json.dumps({"id": world.id, "images": {"replace": usage.replacements()}, "providers": {"aws": aws}})
        )
        world.env.update(cloud.env)
        try:
            yield Shop(world, cloud)
        finally:
            look.end(world, ())
