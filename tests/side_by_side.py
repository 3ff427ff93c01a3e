"""Which tests may run at the same time where pytest has several processes: `make test`, and `make e2e ARGS='-n 2'`."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

SAME_HOSTS = {
    "bare": ("companion", "exposure", "neighbour", "scripts", "ssh_fleet", "templates"),
    "rented": ("ssh_failures", "ssh_refusals", "ssh_sharing"),
}
"""Fixture of tests/e2e/conftest.py → modules that ask for it. Their locks would make one wait for the other."""
_TOGETHER = {f"tests/e2e/test_{module}.py": name for name, modules in SAME_HOSTS.items() for module in modules}


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """A file goes to one process, and all files that use the same hosts to the same one."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        if file.endswith("test_molecule.py"):
            return nodeid  # each scenario has hosts of its own
        return _TOGETHER.get(file, file)
