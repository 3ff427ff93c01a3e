"""A registry with a name, https and the lab's images, so that hosts pull as they would outside."""

from __future__ import annotations

from pathlib import Path

from tests.lab.host import cache, need, run

HOSTNAME = "registry.lab"


def certificate() -> Path:
    """The certificate of the registry, which is its own authority. Hosts trust it. Made once, kept in the cache."""
    public, private = cache() / "registry.crt", cache() / "registry.key"
    if not public.exists() or not private.exists():
        need("openssl")
        subject = ["-subj", f"/CN={HOSTNAME}", "-addext", f"subjectAltName=DNS:{HOSTNAME},IP:127.0.0.1"]
        algorithm = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "3650"]
        run("openssl", "req", "-x509", "-batch", *algorithm, *subject, "-keyout", private, "-out", public)
    return public
