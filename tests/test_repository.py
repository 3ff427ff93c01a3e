"""The promises of this repository: what review would have to look for, looked for by a machine.

Each test reads the tree as it is: a new role, template, provider or command is covered the moment its folder exists.
"""

from __future__ import annotations

import ast
import configparser
import graphlib
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import yaml

from runner.template import CATEGORIES

ROOT = Path(__file__).resolve().parent.parent
RUNNER = ROOT / "runner"

# A module may import from its own layer and from those above it in this table. What no layer names does the work: load,
# resolve, observe, plan, records and so on.
WORK = "work"
LAYERS = [
    {"", "errors", "ansible_plugins.module_utils"},  # the latter runs on hosts, alone
    {
        "beneath",
        "bounded",
        "digest",
        "domain",
        "expressions",
        "faults",
        "field_types",
        "file_lock",
        "formats",
        "generated",
        "git",
        "gpus",
        "markup",
        "inert",
        "listing",
        "look_fields",
        "markers",
        "models",
        "processes",
        "programs",
        "reach",
        "readback",
        "record_fields",
        "redact",
        "references",
        "repo",
        "said",
        "scalars",
        "signals",
        "spellings",
        "template",
        "template_access",
        "template_service",
        "timing",
        "yamlfile",
    },
    {"engines"},
    {"providers"},
    {WORK},
    {"apply"},
    {"render"},
    {"__main__", "cli", "ansible_plugins"},
]
PLANNER_MAY_IMPORT = {"__future__", "collections", "collections.abc", "dataclasses", "typing"} | {
    "runner.differences",
    "runner.digest",
    "runner.domain",
    "runner.effects",
    "runner.guards",
    "runner.listing",
    "runner.reach",
}

# In two halves, so that this file does not contain what it forbids.
FORBIDDEN_TEXT = [
    "".join(halves)
    for halves in [
        ("pypi.", "org"),
        ("python", "hosted"),
        ("npmjs.", "org"),
        ("deb.debian.", "org"),
        ("galaxy.ansible.", "com"),
        ("/work", "/main"),
        ("/work", "/shared"),
    ]
]
SCHEMA_LINE = re.compile(r"# yaml-language-server: \$schema=(\S+)$")


# --- Python ----------------------------------------------------------------------------------------------------------


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for path in RUNNER.rglob("*.py")
    }


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at any depth, for whatever reason."""
    known = modules()
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= {name if name in known else node.module for name in names}
    return found


def layer(module: str) -> int:
    inside = module.removeprefix("runner").removeprefix(".")
    while inside:
        for number, names in enumerate(LAYERS):
            if inside in names:
                return number
        inside = inside.rpartition(".")[0]
    return next(n for n, names in enumerate(LAYERS) if ("" if module == "runner" else WORK) in names)


def test_imports_point_one_way() -> None:
    known = modules()
    wrong = [
        f"{module} (layer {layer(module)}) imports {name} (layer {layer(name)})"
        for module, path in known.items()
        for name in imported(path) & known.keys()
        if layer(name) > layer(module)
    ]
    assert len(known) > 10
    assert not wrong, "\n".join(wrong)


def codes_of_failures(path: Path) -> set[str]:
    """Stable names that a file gives to failures."""
    found: set[str] = set()
    for call in (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)):
        given = [word.value for word in call.keywords if word.arg in ("code", "cause")]
        found |= {str(node.value) for node in given if isinstance(node, ast.Constant)}
        if getattr(call.func, "id", "") in ("Cause", "_cause", "_known"):
            words = (str(node.value) for node in call.args if isinstance(node, ast.Constant))
            found |= {word for word in words if re.fullmatch(r"[a-z]+(-[a-z]+)*", word)}
    return found


def test_every_failure_of_a_host_is_explained() -> None:
    folders = ("providers/ssh", "ansible_plugins/modules", "ansible_plugins/module_utils")
    paths = [path for folder in folders for path in (RUNNER / folder).glob("*.py")]
    paths += [RUNNER / name for name in ("ansible_causes.py", "apply.py")]
    codes = set().union(*map(codes_of_failures, paths))
    explained = (ROOT / "docs" / "failures.md").read_text()
    assert len(codes) > 20
    assert [code for code in sorted(codes - {""}) if f"`{code}`" not in explained] == []


def test_imports_have_no_cycle() -> None:
    known = modules()
    graph = {module: imported(path) & known.keys() - {module} for module, path in known.items()}
    graphlib.TopologicalSorter(graph).prepare()


def test_layers_name_modules_that_exist() -> None:
    paths = [RUNNER / name.replace(".", "/") for name in set().union(*LAYERS) - {WORK, ""}]
    assert not [path for path in paths if not path.is_dir() and not path.with_suffix(".py").exists()]


def test_planner_imports_no_input_or_output() -> None:
    assert imported(RUNNER / "plan.py") <= PLANNER_MAY_IMPORT
    assert not [name for name in imported(RUNNER / "domain.py") if name.startswith("runner")]


def listed_or_compared(tree: ast.AST, names: set[str]) -> list[str]:
    """Places that know `names`: comparisons, cases, keys of a mapping, and collections of two or more of them."""

    def own(nodes: list[ast.expr | None]) -> list[ast.Constant]:
        return [node for node in nodes if isinstance(node, ast.Constant) and node.value in names]

    hits: list[ast.Constant] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
            inside = [item for each in operands for item in getattr(each, "elts", [])]
            hits += own([*operands, *inside])
        elif isinstance(node, ast.MatchValue):
            hits += own([node.value])
        elif isinstance(node, ast.Dict):
            hits += own(node.keys)
        elif isinstance(node, ast.List | ast.Tuple | ast.Set) and len(own(list(node.elts))) > 1:
            hits += own(list(node.elts))
    return [f"line {hit.lineno}: {hit.value!r}" for hit in hits]


def folder_names(pattern: str) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in ROOT.glob(pattern)}


def test_no_list_of_providers_or_templates() -> None:
    engines = {path.stem for path in (RUNNER / "engines").iterdir()}
    categories = set(get_args(CATEGORIES))
    providers = folder_names("runner/providers/*/provider.py")
    templates = {path.stem for path in (ROOT / "templates").glob("*.yaml")}
    names = (providers.keys() - engines) | (templates - categories)
    assert providers
    wrong = []
    for module, path in modules().items():
        owner = next((name for name, folder in providers.items() if folder in path.parents), "")
        wrong += [f"{module} {place}" for place in listed_or_compared(ast.parse(path.read_text()), names - {owner})]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "hits"),
    [
        ("if provider == 'aws': pass", 1),
        ("if provider in ('aws', 'other'): pass", 1),
        ("CLOUDS = ['aws', 'verda']", 2),
        ("CLOUDS: Literal['aws', 'verda']", 2),
        ("PRICES = {'aws': 1}", 1),
        ("match provider:\n    case 'aws': pass", 1),
        ("default = 'aws'", 0),
        ("'''aws and verda'''", 0),
    ],
)
def test_finder_of_lists_finds(source: str, hits: int) -> None:
    assert len(listed_or_compared(ast.parse(source), {"aws", "verda"})) == hits


def test_help_lists_every_command() -> None:
    commands = {path.stem.replace("_", "-"): path for path in (RUNNER / "cli").glob("[!_]*.py")}
    assert commands
    answer = subprocess.run(
        [Path(sys.executable).with_name("runner"), "--help"], capture_output=True, text=True, check=True
    ).stdout
    for name, path in commands.items():
        summary = (ast.get_docstring(ast.parse(path.read_text())) or "").partition("\n")[0].rstrip(".")
        assert summary, f"{path} needs a docstring: its first line is the help of `runner {name}`"
        assert re.search(rf"^\s+{name}\s+{re.escape(summary[:20])}", answer, re.MULTILINE), name


# --- Ansible ---------------------------------------------------------------------------------------------------------


def roles() -> list[Path]:
    return sorted(path for path in (ROOT / "roles").iterdir() if path.is_dir() and any(path.rglob("*.yml")))


def read(path: Path) -> dict[str, object]:
    return (yaml.safe_load(path.read_text()) or {}) if path.exists() else {}


def test_every_role_declares_its_arguments() -> None:
    wrong = []
    for role in roles():
        specs = read(role / "meta/argument_specs.yml").get("argument_specs")
        if not isinstance(specs, dict) or "main" not in specs:
            wrong.append(f"{role.name}: meta/argument_specs.yml has no entry `main`")
            continue
        declared = {name for entry in specs.values() for name in entry.get("options", {})}
        defaults = set(read(role / "defaults/main.yml"))
        wrong += [f"{role.name}: {name} has a default but no argument spec" for name in defaults - declared]
        wrong += [
            f"{role.name}: {name} does not start with {role.name}_"
            for name in declared | defaults
            if not name.startswith(f"{role.name}_")
        ]
    assert not wrong, "\n".join(wrong)


def test_every_role_starts_with_a_table_of_contents() -> None:
    long = [role.name for role in roles() if len((role / "tasks/main.yml").read_text().splitlines()) > 60]
    assert not long, f"tasks/main.yml beyond 60 lines: {long}"


def test_templates_name_roles_that_exist() -> None:
    known = {role.name for role in roles()}
    wrong = [
        f"{path.name}: role {role}"
        for path in (ROOT / "templates").glob("*.yaml")
        if (role := read(path).get("role", "service")) not in known
    ]
    assert not wrong, f"{wrong}; there are {sorted(known)}"


def test_ansible_cfg_names_folders_that_exist() -> None:
    config = configparser.ConfigParser(interpolation=None)
    assert config.read(ROOT / "ansible.cfg")
    is_path = re.compile(r"^(inventory|library|module_utils|vault_password_file|\w+_path|\w+_plugins)$")
    named = [
        entry
        for key, value in config["defaults"].items()
        if is_path.match(key)
        for entry in re.split("[:,]", value)
        if not entry.startswith("~")
    ]
    gone = [entry for entry in named if not (ROOT / entry).exists()]
    assert named
    assert not gone


# --- Files -----------------------------------------------------------------------------------------------------------


def committed() -> list[Path]:
    """Every file that is or is about to be committed."""
    answer = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in answer.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def test_every_yaml_file_of_ours_names_its_schema() -> None:
    files = [*ROOT.glob("templates/*.yaml"), *ROOT.glob("deployments/*.yaml"), *ROOT.glob("runner.yaml")]
    wrong = []
    for path in files:
        named = SCHEMA_LINE.match(path.read_text().partition("\n")[0])
        if not named:
            wrong.append(f"{path.relative_to(ROOT)}: the first line is not # yaml-language-server: $schema=…")
        elif not (path.parent / named[1]).is_file():
            wrong.append(f"{path.relative_to(ROOT)}: there is no {named[1]}")
    assert not wrong, "\n".join(wrong)


def test_no_package_host_or_machine_path() -> None:
    wrong = []
    for path in committed():
        if path.name == "uv.lock":
            continue
        text = path.read_bytes().decode(errors="replace")
        wrong += [f"{path.relative_to(ROOT)}: {word}" for word in FORBIDDEN_TEXT if word in text]
    assert not wrong, "\n".join(wrong)


def test_lock_file_names_no_file_of_this_machine() -> None:
    assert "file://" not in (ROOT / "uv.lock").read_text()


def test_contributing_and_makefile_agree() -> None:
    words = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    used = set(re.findall(r"`make ([a-z0-9-]+)", (ROOT / "CONTRIBUTING.md").read_text()))
    assert used == words - {"help"}


def test_example_belongs_to_nobody() -> None:
    """Whoever clones it is an owner of their own: no id and no record is committed."""
    for words in (["grep", "--cached", "^id:", "--", "runner.yaml"], ["ls-files", "inventory/host_vars"]):
        assert subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False).stdout == ""
