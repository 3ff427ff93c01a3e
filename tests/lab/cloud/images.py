"""The machine images of the lab's cloud, and the parameters by which they are found, in every region."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Image:
    """One machine image, and the image of the lab that boots for it."""

    id: str
    name: str
    owner: str
    parameter: str
    boots: str
    size_gb: int
    """Of its snapshot: a root volume cannot be smaller."""


_DEEP_LEARNING = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-{}/latest/ami-id"
_UBUNTU = "/aws/service/canonical/ubuntu/server/{}/stable/current/amd64/hvm/ebs-gp3/ami-id"
_DEEP_LEARNING_NAME = "Deep Learning Base OSS Nvidia Driver GPU AMI (Ubuntu {}) 20261001"
_UBUNTU_NAME = "ubuntu/images/hvm-ssd-gp3/ubuntu-{}-amd64-server-20261001"

IMAGES = (
    Image(
        "ami-0d1000000000024a",
        _DEEP_LEARNING_NAME.format("24.04"),
        "898082745236",
        _DEEP_LEARNING.format("24.04"),
        "cloud-docker",
        45,
    ),
    Image(
        "ami-0d1000000000022a",
        _DEEP_LEARNING_NAME.format("22.04"),
        "898082745236",
        _DEEP_LEARNING.format("22.04"),
        "cloud-docker",
        45,
    ),
    Image(
        "ami-0c1000000000024b", _UBUNTU_NAME.format("noble-24.04"), "099720109477", _UBUNTU.format("24.04"), "cloud", 8
    ),
    Image(
        "ami-0c1000000000022b", _UBUNTU_NAME.format("jammy-22.04"), "099720109477", _UBUNTU.format("22.04"), "cloud", 8
    ),
)


def by_id(image: str) -> Image:
    """One of them."""
    return next(one for one in IMAGES if one.id == image)


def by_parameter(name: str) -> Image | None:
    """What a public parameter points to."""
    return next((one for one in IMAGES if one.parameter == name), None)
