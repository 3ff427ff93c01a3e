"""What the lab prints is what Slipway reads."""

from __future__ import annotations

from pathlib import Path

import yaml

from runner.models import Settings
from runner.providers.ssh.options import SshSettings
from tests.lab import usage
from tests.lab.machine import Host

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAINdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea"
ONE = Host("lab-1", "192.0.2.10", HOST_KEY, Path("/keys/id"))
BEHIND = Host("lab-2", "192.0.2.11", HOST_KEY, Path("/keys/id"), jump=ONE)


def test_settings_name_hosts_and_images() -> None:
    settings = Settings.model_validate(yaml.safe_load(usage.settings([ONE, BEHIND])))
    hosts = SshSettings.model_validate(settings.providers["ssh"]).hosts
    assert (hosts["lab-1"].address, hosts["lab-1"].host_key, hosts["lab-1"].jump) == (ONE.address, ONE.host_key, None)
    assert hosts["lab-2"].jump == "ubuntu@192.0.2.10:22"
    assert {"registry.lab:5000/slipway-lab/jupyter:1", "registry.lab:5000/slipway-lab/ollama-stand-in:1"} <= set(
        settings.images.replace.values()
    )


def test_every_image_of_a_served_template_is_replaced() -> None:
    assert {"llamacpp", "tgi", "desktop"} <= usage.served().keys()
    for template in usage.served():
        assert set(usage.named(template)) <= usage.replacements().keys()
    assert len(usage.named("llamacpp")) == 2
    assert not [image for image in usage.replacements() if "{" in image or "\n" in image]
