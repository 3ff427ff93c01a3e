"""Keeps hosts and moto's machines of one mind: what moto says happens to hosts, what hosts do is told to moto."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from moto.ec2.models.instances import Instance

from tests.lab.cloud import images, machines
from tests.lab.cloud.rules import Rules, move
from tests.lab.host import LabError

PAUSE_S = 0.05


class Bridge(threading.Thread):
    """Moves machines out of the states that take time. With `part`, hosts of the lab are what takes the time."""

    def __init__(self, rules: Rules, listed: Callable[[], list[Instance]], part: int | None) -> None:
        super().__init__(name="lab-cloud-bridge", daemon=True)
        self._rules, self._listed, self._part = rules, listed, part
        self._over, self._pool = threading.Event(), ThreadPoolExecutor(max_workers=8)
        self._busy: dict[str, Future[None]] = {}
        self._made: set[str] = set()
        self.faults: list[str] = []
        """What went wrong in the lab itself: a test should not pass over it."""
        self._events: subprocess.Popen[str] | None = None

    def run(self) -> None:
        """Until `close`."""
        if self._part is not None:
            self._events = machines.ends(self._part)
            threading.Thread(target=self._listen, daemon=True).start()
        while not self._over.wait(PAUSE_S):
            for instance in self._listed():
                if instance.state in _STEPS and not self._is_busy(instance):
                    self._busy[instance.id] = self._pool.submit(self._step, instance, instance.state)

    def close(self) -> None:
        """Ends the thread, and removes every host."""
        self._over.set()
        if self.is_alive():
            self.join()
        self._pool.shutdown(wait=True)
        if self._events is not None and self._events.stdout is not None:
            self._events.terminate()
            self._events.wait()
            self._events.stdout.close()
        if self._part is not None:
            machines.remove(*machines.of_part(self._part))

    def _is_busy(self, instance: Instance) -> bool:
        running = self._busy.get(instance.id)
        return running is not None and not running.done()

    def _step(self, instance: Instance, state: str) -> None:
        try:
            if self._part is not None:
                getattr(self, f"_{state.replace('-', '_')}")(instance, self._part)
        except LabError as error:
            self.faults.append(f"{instance.id}: {error}")
            move(instance, "terminated", "Server.InternalError")
            return
        if state == "shutting-down":
            self._rules.addresses.give(str(instance.private_ip))
        if instance.state == state:  # else somebody asked for something else meanwhile, which comes next
            move(instance, _STEPS[state])

    def _pending(self, instance: Instance, part: int) -> None:
        if instance.id in self._made:
            machines.start(instance.id)
        else:
            self._made.add(instance.id)
            machines.boot(_wanted(instance), part)

    def _stopping(self, instance: Instance, part: int) -> None:
        del part
        if instance.id in self._made:
            machines.stop(instance.id)

    def _shutting_down(self, instance: Instance, part: int) -> None:
        del part
        if instance.id in self._made:
            machines.remove(instance.id)

    def _listen(self) -> None:
        """A host that ends by itself was told to from inside."""
        lines: Iterator[str] = iter(self._events.stdout) if self._events and self._events.stdout else iter(())
        for line in lines:
            machine, code = machines.parse_end(line)
            instance = next((one for one in self._listed() if one.id == machine), None)
            if self._over.is_set() or instance is None or instance.state != "running":
                continue  # it was asked for from outside
            if code == machines.REBOOT:
                self._pool.submit(machines.start, machine)
            elif instance.instance_initiated_shutdown_behavior == "terminate":
                self._rules.terminate(instance.ec2_backend, [machine], "Client.InstanceInitiatedShutdown")
            else:
                move(instance, "stopped", "Client.InstanceInitiatedShutdown")


_STEPS = {"pending": "running", "stopping": "stopped", "shutting-down": "terminated"}


def _wanted(instance: Instance) -> machines.Wanted:
    backend = instance.ec2_backend
    pair = backend.keypairs.get(instance.key_name) if instance.key_name else None
    public = str(getattr(pair, "material_public", "") or "")
    data = instance.user_data
    return machines.Wanted(
        id=instance.id,
        address=str(instance.private_ip),
        image=images.by_id(instance.image_id).boots,
        user_data=data.decode() if data is not None else "",
        region=backend.region_name,
        zone=str(instance.availability_zone),
        kind=instance.instance_type,
        keys=(public,) if public else (),
        spot=instance.lifecycle == "spot",
        tags={tag["key"]: tag["value"] for tag in instance.get_tags()},
    )
