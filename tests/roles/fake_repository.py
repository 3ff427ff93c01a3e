"""Runs on a lab host: makes signed repositories of stand-in packages below /srv/fake, to be served at loopback, and
prints the fingerprint of their key. Arguments: docker, nvidia.

The packages are not the real ones. `docker-ce` is Debian's engine under another name; those of NVIDIA bring small
scripts that answer as the real programs do, as far as the role branches on it.
"""

import hashlib
import os
import pathlib
import platform
import subprocess
import sys

ROOT = pathlib.Path("/srv/fake")
IDENTITY = "Stand-in for a vendor <lab@example.invalid>"

# Works once the host has booted with it: until then the kernel has not loaded the driver, as with the real one.
NVIDIA_SMI = """#!/bin/sh
if [ -e /run/fake-gpu/mismatch ]; then
  echo 'Failed to initialize NVML: Driver/library version mismatch'
  echo 'NVML library version: 580.99'
  exit 18
fi
if [ ! -e /run/fake-gpu/loaded ]; then
  echo "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver."
  exit 9
fi
echo '0, NVIDIA Stand-in, GPU-0b5c0de0-0000-0000-0000-000000000000, 81559, 580.95.05'
"""
IN_CONTAINER = "#!/bin/sh\necho GPU-0b5c0de0-0000-0000-0000-000000000000\n"
# The real one mounts the driver into the container.
HOOK = f"""#!/usr/bin/python3
import json, pathlib, sys
bundle = pathlib.Path(json.load(sys.stdin)["bundle"])
root = bundle / json.loads((bundle / "config.json").read_text())["root"]["path"]
target = root / "bin/nvidia-smi"
target.write_text({IN_CONTAINER!r})
target.chmod(0o755)
"""
CTK = """#!/bin/sh
[ "$1 $2" = "cdi generate" ] || exit 1
mkdir -p /var/run/cdi
printf '%s\\n' 'kind: nvidia.com/gpu' 'devices: [{name: all}]' '# /usr/lib/libcuda.so.580.95.05' > "${3#--output=}"
"""

EMPTY: dict[str, str] = {}
DOCKER = dict.fromkeys(["docker-ce-cli", "containerd.io", "docker-buildx-plugin", "docker-compose-plugin"], EMPTY)
DRIVER = {
    "nvidia-open": {"usr/bin/nvidia-smi": NVIDIA_SMI},
    f"linux-headers-{platform.release()}": EMPTY,
}
TOOLKIT = {
    "nvidia-container-toolkit": {
        "usr/bin/nvidia-ctk": CTK,
        "usr/bin/nvidia-container-runtime": '#!/bin/sh\nexec runc "$@"\n',
        "usr/bin/nvidia-container-runtime-hook": HOOK,
    }
}


def main() -> None:
    """Make what was asked for."""
    subprocess.run(
        ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", IDENTITY, "rsa2048", "sign"],
        check=True,
    )
    if "docker" in sys.argv:
        folder = ROOT / "docker/linux/debian"
        folder.mkdir(parents=True)
        renamed(folder, "docker.io", "docker-ce")
        for name, files in DOCKER.items():
            package(folder, name, files)
        index(folder, suite="bookworm", component="stable")
        export(folder / "gpg")
    if "nvidia" in sys.argv:
        driver = ROOT / f"cuda/debian12/{platform.machine()}"
        flat(driver, DRIVER)
        export(driver / "3bf863cc.pub")
        flat(ROOT / "libnvidia-container/stable/deb" / architecture(), TOOLKIT)
        export(ROOT / "libnvidia-container/gpgkey")
    listing = run("gpg", "--list-keys", "--with-colons")
    print(next(line.split(":")[9] for line in listing.splitlines() if line.startswith("fpr")))


def flat(folder, packages):
    """A repository without suites."""
    folder.mkdir(parents=True)
    for name, files in packages.items():
        package(folder, name, files)
    index(folder)


def package(folder, name, files):
    """One package, in the folder."""
    tree = ROOT / "build" / name
    (tree / "DEBIAN").mkdir(parents=True)
    control = f"Package: {name}\nVersion: 1-1\nArchitecture: {architecture()}\nMaintainer: {IDENTITY}\n"
    (tree / "DEBIAN/control").write_text(control + "Description: Stand-in for the lab\n")
    for path, text in files.items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        (tree / path).write_text(text)
        (tree / path).chmod(0o755)
    build(tree, folder / f"{name}.deb")


def renamed(folder, old, new):
    """A package of the distribution, by another name."""
    download, tree = ROOT / "download", ROOT / "build" / new
    for needed in (download, tree.parent):
        needed.mkdir(parents=True)
    run("apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", old, folder=download)
    run("dpkg-deb", "--raw-extract", str(next(download.glob("*.deb"))), str(tree))
    control = (tree / "DEBIAN/control").read_text().replace(f"Package: {old}\n", f"Package: {new}\n")
    kept = [line for line in control.splitlines() if not line.startswith("Conflicts:")]
    (tree / "DEBIAN/control").write_text("\n".join(kept) + "\n")
    build(tree, folder / f"{new}.deb")


def build(tree, deb):
    """Not compressed: it travels over loopback."""
    run("dpkg-deb", "--build", "--root-owner-group", "-Znone", str(tree), str(deb))


def index(folder, suite="", component=""):
    """Describe and sign what lies in the folder, as a flat repository or as one with a suite."""
    release = folder / "dists" / suite if suite else folder
    listing = release / component / f"binary-{architecture()}" / "Packages" if suite else folder / "Packages"
    listing.parent.mkdir(parents=True, exist_ok=True)
    listing.write_text("\n".join(entry(deb) for deb in sorted(folder.glob("*.deb"))))
    content = listing.read_bytes()
    checksum = f"{hashlib.sha256(content).hexdigest()} {len(content)} {listing.relative_to(release)}"
    text = f"Origin: Stand-in\nSuite: {suite or '/'}\nCodename: {suite or '/'}\nComponents: {component}\n"
    text += f"Architectures: {architecture()}\nDate: {run('date', '-Ru').strip()}\nSHA256:\n {checksum}\n"
    (release / "Release").write_text(text)
    run("gpg", "--batch", "--yes", "--clearsign", "--output", str(release / "InRelease"), str(release / "Release"))


def entry(deb):
    """What the index says of a package."""
    content = deb.read_bytes()
    control = run("dpkg-deb", "--field", str(deb))
    return f"{control}Filename: {deb.name}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"


def export(path):
    """The public key, armored."""
    path.write_text(run("gpg", "--armor", "--export"))


def architecture():
    """As dpkg calls it."""
    return run("dpkg", "--print-architecture").strip()


def run(*command, folder=None):
    """Standard output."""
    environment = {**os.environ, "LC_ALL": "C"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment, cwd=folder).stdout


if __name__ == "__main__":
    main()
