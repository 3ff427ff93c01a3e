"""The variables of the role `docker`, as far as files say them plainly: its defaults, and what the inventory sets."""

from __future__ import annotations

from typing import Any

from runner.repo import Repo


def docker(repo: Repo) -> dict[str, Any]:
    """Expressions are left out: only Ansible knows what becomes of them, and the role's own default is told instead."""
    import yaml

    found: dict[str, Any] = {}
    files = [repo.root / "roles" / "docker" / "defaults" / "main.yml"]
    files += sorted((repo.inventory / "group_vars").glob("all/*.y*ml")) + sorted(
        (repo.inventory / "group_vars").glob("all.y*ml")
    )
    for path in files:
        try:
            data = yaml.safe_load(path.read_text(encoding="utf-8"))
        except (OSError, yaml.YAMLError, UnicodeDecodeError):  # Ansible itself says what is wrong with it
            continue
        named = data.items() if isinstance(data, dict) else ()
        found |= {key: value for key, value in named if key.startswith("docker_") and "{{" not in str(value)}
    return found
