"""Which image a machine starts from."""

from __future__ import annotations

from dataclasses import dataclass

from runner.errors import InvalidRequestError
from runner.providers.aws.api import Api

_GPU = (
    "/aws/service/deeplearning/ami/{arch}/base-oss-nvidia-driver-gpu-ubuntu-24.04/latest/ami-id",
    "/aws/service/deeplearning/ami/{arch}/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id",
)
"""With NVIDIA's driver and Docker in it: what the roles then find, they need not install."""
_PLAIN = (
    "/aws/service/canonical/ubuntu/server/24.04/stable/current/{ubuntu}/hvm/ebs-gp3/ami-id",
    "/aws/service/canonical/ubuntu/server/22.04/stable/current/{ubuntu}/hvm/ebs-gp2/ami-id",
    "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{arch}",
)
PLAIN = _PLAIN[0].format(ubuntu="amd64")
"""Every region has this one."""
_UBUNTU = {"x86_64": "amd64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Image:
    """An image and what its root disk must be."""

    id: str
    root_device: str
    smallest_gb: int


def image(api: Api, region: str, arch: str, *, gpu: bool, ami: str = "") -> Image:
    """The named image, or the newest of the first kind that the region has. Raises InvalidRequestError when none."""
    found = ami or next(filter(None, (api.parameter(region, name) for name in _names(arch, gpu=gpu))), "")
    if not found:
        hint = "name one that has sshd, python3 and cloud-init: machine: {ami: ami-…}"
        raise InvalidRequestError(
            f"AWS has no image for {arch} in {region} that is known here", code="no-image", hint=hint
        )
    described = api.call(region, "describe_images", ImageIds=[found])["Images"]
    if not described:
        raise InvalidRequestError(
            f"{region} has no image {found}", code="no-image", hint="an image is in one region only"
        )
    device = described[0].get("RootDeviceName") or "/dev/sda1"
    sizes = [
        int(mapping["Ebs"].get("VolumeSize") or 0)
        for mapping in described[0].get("BlockDeviceMappings", ())
        if mapping.get("DeviceName") == device and "Ebs" in mapping
    ]
    return Image(found, device, max(sizes, default=0))


def _names(arch: str, *, gpu: bool) -> tuple[str, ...]:
    names = (*_GPU, *_PLAIN) if gpu else _PLAIN
    return tuple(name.format(arch=arch, ubuntu=_UBUNTU.get(arch, arch)) for name in names)
