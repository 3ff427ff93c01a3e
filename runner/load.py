"""Files → desired deployments, with every fault of every file at once. No network.

Parsing and checking are remembered in `.runner/cache/load.json`, keyed by what the file system says of each file.
The cache is an accelerator for people: CI never reads it, and files with faults are never in it.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner import memory, named_files, parse_cache, scripts
from runner.checked_files import parsed, placed, read
from runner.digest import digest
from runner.domain import Desired
from runner.errors import InvalidFiles, Problem
from runner.repo import NO_ID, Repo
from runner.scan import SUFFIX, scan

if TYPE_CHECKING:
    from runner.faults import Fault
    from runner.models import Settings
    from runner.template import Template


@dataclass
class Loaded:
    """The desired side of a repository."""

    repo: Repo
    desired: dict[str, Desired] = field(default_factory=dict)
    """By name, sorted."""
    problems: list[Problem] = field(default_factory=list)
    """Of all files, sorted by file and line."""
    names: frozenset[str] = frozenset()
    """Every name that has a file, whether or not the file is valid: what is faulty must never look deleted."""
    templates: dict[str, str] = field(default_factory=dict)
    """Faulty name → the template that its file asks for, where it can be read."""
    settings: dict[str, Any] = field(default_factory=dict)
    """`runner.yaml` as plain data, with its defaults."""
    notices: list[tuple[str, str]] = field(default_factory=list)
    """(field of `runner.yaml`, why) of those that are accepted but have no effect yet."""

    @cached_property
    def repo_id(self) -> str:
        """Marks our resources at providers; NO_ID, which nothing carries, where `runner.yaml` has none yet."""
        return str(self.settings.get("id") or NO_ID)

    @property
    def has_id(self) -> bool:
        """Whether anything can be ours yet; see `identity`."""
        return self.repo_id != NO_ID

    def faults_of(self, name: str) -> list[Problem]:
        """Why a name that has a file has no place in `desired`: the faults of the file, else of its template."""
        own = [p for p in self.problems if p.file.startswith("deployments/") and Path(p.file).stem == name]
        template = f"templates/{self.templates.get(name, '')}{SUFFIX}"
        return own or [p for p in self.problems if p.file == template]

    def require_valid(self, names: Collection[str] = ()) -> None:
        """Raises InvalidFiles. With names, only their files and the shared ones count."""
        self.require_settings()
        shared = [p for p in self.problems if not p.file.startswith("deployments/")]
        others = self.names - set(names) if names else frozenset()
        mine = [p for p in self.problems if p.file.startswith("deployments/") and Path(p.file).stem not in others]
        if mine or (shared and (not names or any(name not in self.desired for name in names))):
            raise InvalidFiles([*shared, *mine])

    def require_settings(self) -> None:
        """Raises InvalidFiles. Without the right settings everything is looked for in the wrong place."""
        faulty = [p for p in self.problems if p.file == self.repo.relative(self.repo.settings)]
        if faulty:
            raise InvalidFiles(faulty)


@memory.lasting()
def load(repo: Repo, *, use_cache: bool | None = None) -> Loaded:
    """Read and check the whole repository."""
    cached = use_cache if use_cache is not None else not os.environ.get("CI")
    return _Loader(repo, parse_cache.open_cache(repo, enabled=cached)).run()


def read_templates(repo: Repo) -> tuple[dict[str, Template], list[Problem]]:
    """All templates by id, and the faults of those that are wrong."""
    from runner.template import Template

    found: dict[str, Template] = {}
    problems: list[Problem] = []
    for path in sorted(repo.templates.glob("*" + SUFFIX)):
        template, faults = read(path, repo.relative(path), Template)
        problems += faults
        if template is not None:
            found[path.stem] = template
    return found, problems


def read_settings(repo: Repo) -> tuple[Settings, list[Problem]]:
    """`runner.yaml`, or its defaults when there is none or it is wrong."""
    from runner.models import Settings

    if not repo.settings.exists():
        return Settings(), []
    settings, problems = read(repo.settings, repo.relative(repo.settings), Settings)
    if settings is None:
        return Settings(), problems
    faults = _provider_faults(settings)
    if any(fault.path[0] == "defaults" for fault in faults):
        # Otherwise each deployment would have the fault too.
        settings = settings.model_copy(update={"defaults": Settings().defaults})
    return settings, placed(faults, repo.relative(repo.settings), repo.settings)


def _provider_faults(settings: Settings) -> list[Fault]:
    from pydantic import ValidationError

    from runner import providers
    from runner.faults import of_model, unknown

    chosen = settings.defaults.provider
    faults = [
        replace(unknown("provider", ("defaults", "provider", name), providers.names()), path=("defaults", "provider"))
        for name in ([chosen] if isinstance(chosen, str) else chosen)
        if name not in providers.names()
    ]
    for name, options in settings.providers.items():
        if name not in providers.names():
            faults.append(unknown("provider", ("providers", name), providers.names()))
            continue
        model = providers.load(name).settings()
        try:
            model.model_validate(options)
        except ValidationError as error:
            faults += of_model(error, model, options, ("providers", name))
    return faults


class _Loader:
    """One pass over the files. Templates, settings and pydantic are loaded only when a file is not in the cache."""

    def __init__(self, repo: Repo, cache: parse_cache.Cache) -> None:
        self.repo = repo
        self.cache = cache
        self.loaded = Loaded(repo)

    def run(self) -> Loaded:
        loaded = self.loaded
        entries, loaded.names = scan(self.repo, loaded.problems)
        if not self.cache.settings:
            from runner.resolve import notices

            self.cache.settings = self.settings.model_dump(mode="json")
            self.cache.notices = [*notices(self.settings)]
            self.cache.clean = not (self._settings[1] or self._templates[1])
        loaded.settings, loaded.notices = self.cache.settings, self.cache.notices
        for entry in entries:
            name = entry.name[: -len(SUFFIX)]
            stamp = parse_cache.stamp(entry.stat())
            desired = self.cache.get(name, stamp) or self._check(name, Path(entry.path), stamp)
            if desired is not None:
                loaded.desired[name] = desired
                outside = scripts.faults(self.repo, desired) + named_files.faults(self.repo, desired)
                loaded.problems += placed(outside, desired.file, Path(entry.path))
        named = named_files.faults_of_settings(self.repo, loaded.settings)
        loaded.problems += placed(named, self.repo.relative(self.repo.settings), self.repo.settings)
        loaded.problems += self._shared_problems() + _conflicts(self.repo, loaded)
        loaded.problems.sort(key=lambda p: (p.file, p.line, p.field))
        self.cache.save(loaded.names)
        return loaded

    @cached_property
    def _settings(self) -> tuple[Settings, list[Problem]]:
        return read_settings(self.repo)

    @property
    def settings(self) -> Settings:
        return self._settings[0]

    @cached_property
    def _templates(self) -> tuple[dict[str, Template], list[Problem]]:
        return read_templates(self.repo)

    @cached_property
    def _faulty_templates(self) -> frozenset[str]:
        """Files."""
        return frozenset(problem.file for problem in self._templates[1])

    def _shared_problems(self) -> list[Problem]:
        """A cache is kept only for a repository whose shared files are right."""
        return [] if self.cache.clean and self.cache.settings else self._settings[1] + self._templates[1]

    def _check(self, name: str, path: Path, stamp: parse_cache.Stamp) -> Desired | None:
        from runner.expressions import ExpressionError, problem
        from runner.faults import UNKNOWN_TEMPLATE
        from runner.resolve import Source, resolve

        relative = f"deployments/{name}{SUFFIX}"
        data, problems = parsed(path, relative)
        self.loaded.problems += problems
        if data is None:
            return None
        template = f"templates/{data.get('template')}{SUFFIX}"
        self.loaded.templates[name] = data["template"] if isinstance(data.get("template"), str) else ""
        try:
            desired, faults = resolve(Source(name, relative, data), self._templates[0], self.settings)
        except ExpressionError as error:
            found = problem(error, file=template, field="service")
            self.loaded.problems += [] if found in self.loaded.problems else [found]
            return None
        if template in self._faulty_templates:  # its own faults are reported; it is not unknown
            faults = [fault for fault in faults if fault.code != UNKNOWN_TEMPLATE]
        self.loaded.problems += placed(faults, relative, path)
        if desired is not None:
            del self.loaded.templates[name]
            self.cache.put(name, stamp, desired)
        return desired


def _conflicts(repo: Repo, loaded: Loaded) -> list[Problem]:
    from runner import port_conflicts, shared_machines

    found = port_conflicts.find(loaded.desired.values())
    found += shared_machines.find(loaded.desired.values(), loaded.settings.get("providers", {}))
    return [problem for item, fault in found for problem in placed([fault], item.file, repo.root / item.file)]


def inputs_digest(desired: Iterable[Desired]) -> str:
    """Fingerprint of everything that is wanted, for saved plans."""
    return digest(
        [[d.name, d.state, d.digest, d.spec["access"], d.protect, d.hold.until if d.hold else ""] for d in desired]
    )
