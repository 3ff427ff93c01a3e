"""What the proxy in front of an exposed service costs: the real role `expose` on a host of the lab against plain nginx
(Debian's, `proxy_pass` and TLS, nothing else) in front of the same service, asked by wrk on that host.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench._measure import PYTHON, ROOT, CommandFailed, emit, load_now, note
from tests.lab import hosts
from tests.lab.machine import Host

HOST = "bench-proxy"
TOKEN = "a-token-of-enough-characters"
PORTS = {"exposed": 8443, "nginx": 9443}
SIZES = {"1 KB": "small", "64 KB": "large"}
CALLERS = 16
NGINX = """
worker_processes auto;
events { worker_connections 1024; }
http {
  access_log off;
  server { listen 127.0.0.1:9000; root /srv/bench; keepalive_requests 1000000; }
  server {
    listen 9443 ssl;
    ssl_certificate /srv/cert.pem;
    ssl_certificate_key /srv/key.pem;
    location / { proxy_pass http://127.0.0.1:9000; }
  }
}
"""
SETUP = """
set -e
export DEBIAN_FRONTEND=noninteractive
ln -sf /dev/null /etc/systemd/system/nginx.service
apt-get update -qq > /srv/log 2>&1
apt-get install -y -qq --no-install-recommends nginx-light wrk openssl > /srv/log 2>&1
mkdir -p /srv/bench
head -c 1024 /dev/urandom > /srv/bench/small
head -c 65536 /dev/urandom > /srv/bench/large
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=bench -days 2 \\
  -keyout /srv/key.pem -out /srv/cert.pem 2> /srv/log
cat > /srv/nginx.conf
systemd-run --unit=bench-nginx nginx -c /srv/nginx.conf -g 'daemon off;' 2> /srv/log
"""
PLAY = """
- hosts: all
  gather_facts: false
  become: true
  tasks:
    - ansible.builtin.include_role: {name: expose}
"""
RESULT = re.compile(r"^ +50%\s+(\S+).*^ +99%\s+(\S+).*^Requests/sec:\s+(\S+)", re.DOTALL | re.MULTILINE)
UNITS_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}


def main() -> None:
    """Print one JSON line."""
    parser = argparse.ArgumentParser(prog="python -m bench.proxy", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one second, once: does the benchmark itself work?")
    parser.add_argument("--samples", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=5, help="of each sample")
    options = parser.parse_args()
    samples, seconds = (1, 1) if options.quick else (options.samples, options.seconds)
    load_before = load_now()
    [host] = hosts.ensure([HOST])
    try:
        _prepare(host)
        taken = {size: _measure(file, samples, seconds) for size, file in SIZES.items()}
    finally:
        hosts.remove(HOST)
    emit(
        "proxy",
        load_before=load_before,
        parameters={"samples": samples, "seconds": seconds, "callers": CALLERS, "load_after": load_now()},
        sides={size: {side: _summary(found) for side, found in sides.items()} for size, sides in taken.items()},
        ratios={size: _ratio(sides) for size, sides in taken.items()},
    )


def _prepare(host: Host) -> None:
    note("installing nginx and wrk, and applying the role")
    hosts.console(HOST, "sh", "-c", SETUP, stdin=NGINX)
    variables = {
        "state": "present",
        "site": "bench.files",
        "host": "127.0.0.1",
        "named": False,
        "tls": "internal",
        "acme_directory": "",
        "acme_email": "",
        "auth": "token",
        "secret": TOKEN,
        "cidr": [],
        "ports": [{"port": PORTS["exposed"], "upstream": 9000, "protocol": "http"}],
        "timeout_s": 60,
    }
    with tempfile.TemporaryDirectory() as folder:
        _play(host, Path(folder), {f"expose_{name}": value for name, value in variables.items()})


def _play(host: Host, folder: Path, variables: Mapping[str, Any]) -> None:
    import json

    known = folder / "known_hosts"
    known.write_text(f"{host.address} {host.host_key}\n")
    entry = {
        "ansible_host": host.address,
        "ansible_user": host.user,
        "ansible_connection": "ssh",
        "ansible_ssh_private_key_file": str(host.key),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={known} -o StrictHostKeyChecking=yes",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    (folder / "hosts.yaml").write_text(json.dumps({"all": {"hosts": {HOST: entry}, "vars": dict(variables)}}))
    (folder / "play.yml").write_text(PLAY)
    program = str(Path(PYTHON).with_name("ansible-playbook"))
    command = [program, "--inventory", str(folder / "hosts.yaml"), str(folder / "play.yml")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CommandFailed(done.stdout[-2000:] + done.stderr[-2000:])


def _measure(file: str, samples: int, seconds: int) -> dict[str, list[dict[str, float]]]:
    """Both sides in turns, after a warm-up of each."""
    taken: dict[str, list[dict[str, float]]] = {side: [] for side in PORTS}
    for turn in range(-1, samples):
        for side, port in PORTS.items():
            found = _wrk(f"https://127.0.0.1:{port}/{file}", seconds)
            if turn >= 0:
                taken[side].append(found)
    return taken


def _wrk(url: str, seconds: int) -> dict[str, float]:
    words = ["wrk", "-t1", f"-c{CALLERS}", f"-d{seconds}s", "--latency", "-H", f"Authorization: Bearer {TOKEN}", url]
    said = hosts.console(HOST, *words)
    found = RESULT.search(said)
    if found is None or "Non-2xx" in said or "Socket errors" in said:
        raise CommandFailed(said)
    return {"requests_s": float(found[3]), "p50_ms": _ms(found[1]), "p99_ms": _ms(found[2])}


def _ms(text: str) -> float:
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()  # type: ignore[union-attr]
    return float(number) * UNITS_MS[unit]


def _summary(samples: Sequence[Mapping[str, float]]) -> dict[str, float]:
    rates = [sample["requests_s"] for sample in samples]
    return {
        "n": len(samples),
        "requests_s": round(median(rates), 1),
        "min": min(rates),
        "max": max(rates),
        **{key: round(median(sample[key] for sample in samples), 3) for key in ("p50_ms", "p99_ms")},
    }


def _ratio(sides: Mapping[str, Sequence[Mapping[str, float]]]) -> dict[str, float]:
    """How many times as many requests the exposed path answers, by medians, and the median of each pair in turn."""
    pairs = [a["requests_s"] / b["requests_s"] for a, b in zip(sides["exposed"], sides["nginx"], strict=True)]
    one, other = (median(sample["requests_s"] for sample in sides[side]) for side in ("exposed", "nginx"))
    return {"exposed / nginx": round(one / other, 2), "median of pairs": round(median(pairs), 2)}


if __name__ == "__main__":
    main()
