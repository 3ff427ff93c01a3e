"""One cloud: moto, the rules it lacks, the fault proxy, and the hosts behind its machines."""

from __future__ import annotations

import json
import logging
import threading
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self
from unittest.mock import patch

import boto3
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends
from moto.ec2.models.instances import Instance
from moto.moto_api._internal.models import moto_api_backend
from moto.server import ThreadedMotoServer

from tests.lab import engine, images
from tests.lab.cloud import addresses, machines
from tests.lab.cloud.answers import Answers
from tests.lab.cloud.bridge import Bridge
from tests.lab.cloud.faults import Calls, Faults
from tests.lab.cloud.images import IMAGES
from tests.lab.cloud.proxy import Proxy
from tests.lab.cloud.rules import Rules, move
from tests.lab.cloud.spot import request_of
from tests.lab.host import LabError, locked

REGION = "us-east-1"


class Cloud:
    """See the package's docstring. One at a time in a process: moto keeps its state in module variables."""

    _session: ClassVar[Any] = boto3.session.Session("AKIALAB", "lab")  # reads its model of EC2 once
    _taken: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, *, machines: bool = False) -> None:
        self._with_machines = machines
        self._stack = ExitStack()
        self._answers = Answers()
        self.spot_prices: dict[tuple[str, str], float] = {}

    def __enter__(self) -> Self:
        if not self._taken.acquire(blocking=False):
            raise LabError("a cloud of the lab runs in this process already")
        with ExitStack() as stack:
            stack.callback(self._taken.release)
            own = self._addresses()
            stack.callback(own.close)
            rules = Rules(own, self.spot_prices)
            for each in rules.patches():
                stack.enter_context(each)
            logging.getLogger("werkzeug").setLevel(logging.ERROR)  # `calls` has it all
            moto_api_backend.reset()
            stack.callback(moto_api_backend.reset)
            server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
            server.start()
            stack.callback(server.stop)
            self._rules, self._backend = rules, server.get_host_and_port()
            self._proxy = Proxy(self._backend, self._answers)
            threading.Thread(target=self._proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
            stack.callback(self._close_proxy)
            self._bridge = Bridge(rules, lambda: self.machines, own.part if self._with_machines else None)
            self._bridge.start()
            stack.callback(self._bridge.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        faults = list(self._bridge.faults)
        self._stack.close()
        if faults:
            raise LabError("\n".join(faults))

    @property
    def endpoint(self) -> str:
        """Where clients go: the fault proxy."""
        return self._proxy.endpoint

    @property
    def env(self) -> dict[str, str]:
        """What a process needs to be sent here, and not to a profile of whoever runs the tests."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": "AKIALABLABLABLABLAB1",
            "AWS_SECRET_ACCESS_KEY": "lab-secret-canary-5f2c",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_CONFIG_FILE": "/nonexistent/config",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/credentials",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "127.0.0.1,localhost",
            "no_proxy": "127.0.0.1,localhost",
        }

    @property
    def faults(self) -> Faults:
        """What goes wrong."""
        return self._proxy.faults

    @property
    def calls(self) -> Calls:
        """What came in."""
        return self._proxy.calls

    @property
    def quotas(self) -> dict[str, float]:
        """Quota code → value."""
        return self._answers.quotas

    @property
    def prices(self) -> dict[tuple[str, str], float]:
        """(type, region) → USD per hour, on demand."""
        return self._answers.prices

    @property
    def machines(self) -> list[Instance]:
        """All of them, also those that have ended."""
        backends = list(ec2_backends[DEFAULT_ACCOUNT_ID].values())
        return [one for backend in backends for held in list(backend.reservations.values()) for one in held.instances]

    @property
    def alive(self) -> list[Instance]:
        """Those that cost something, or will again: neither ended nor ending."""
        return [one for one in self.machines if one.state not in ("shutting-down", "terminated")]

    def client(self, service: str, region: str = REGION) -> Any:
        """A boto3 client that speaks to moto itself."""
        host, port = self._backend
        with patch.dict("os.environ", self.env):
            return self._session.client(service, region_name=region, endpoint_url=f"http://{host}:{port}")

    def console(self, machine: str, *command: str) -> str:
        """A command as root on the machine, beside SSH; its standard output."""
        return machines.console(machine, *command)

    def interrupt(self, machine: str, *, notice: bool = False) -> None:
        """AWS takes a spot machine back: it is stopped if its request says so, else terminated."""
        instance = self._find(machine)
        request = request_of(instance.ec2_backend, instance)
        if request is None:
            raise LabError(f"{machine} is not spot")
        stops = request.instance_interruption_behaviour == "stop"
        if notice:
            when = datetime.now(UTC) + timedelta(minutes=2)
            told = {"action": "stop" if stops else "terminate", "time": f"{when:%Y-%m-%dT%H:%M:%SZ}"}
            machines.announce(machine, "spot/instance-action", json.dumps(told))
        elif stops:
            if self._with_machines:
                machines.retract(machine, "spot/instance-action")  # the notice was for this end, not for the next start
            move(instance, "stopping", "Server.SpotInstanceShutdown")
            request.state, request._status_code = "open", "instance-stopped-no-capacity"
        else:
            self._rules.terminate(instance.ec2_backend, [machine], "Server.SpotInstanceTermination")

    def lose(self, machine: str) -> None:
        """The hardware died."""
        self._rules.terminate(self._find(machine).ec2_backend, [machine], "Server.InternalError")

    def _find(self, machine: str) -> Instance:
        return next(one for one in self.machines if one.id == machine)

    def _addresses(self) -> addresses.Addresses:
        if not self._with_machines:
            return addresses.made_up()
        with locked():
            engine.start()
            for name in sorted({image.boots for image in IMAGES}):
                images.ensure(name)
            own = addresses.of_the_lab()
        machines.remove(*machines.of_part(own.part))  # of a process that was killed
        return own

    def _close_proxy(self) -> None:
        self._proxy.closed.set()
        self._proxy.shutdown()
        self._proxy.server_close()
