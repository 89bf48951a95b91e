"""Whether this machine is a session at a hoster, which may be frozen into an image that others start from."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

MARKERS: Mapping[str, str] = {
    "RUNCOMFY_API_TOKEN_FILE": "RunComfy",
    "RUNPOD_POD_ID": "RunPod",
    "VAST_CONTAINERLABEL": "Vast.ai",
    "COLAB_RELEASE_TAG": "Google Colab",
    "KAGGLE_KERNEL_RUN_TYPE": "Kaggle",
    "SPACE_ID": "Hugging Face Spaces",
}
"""Environment variables that a platform sets in its machines, as it documents them, and its name."""


@dataclass(frozen=True)
class Hoster:
    """Whose machine this is.

    Args:
        name: what people call it.
        variable: the environment variable that says so.
    """

    name: str
    variable: str


def hoster(environ: Mapping[str, str] | None = None) -> Hoster | None:
    """The hoster of this machine; None where nothing says that there is one."""
    env = os.environ if environ is None else environ
    return next((Hoster(name, variable) for variable, name in MARKERS.items() if env.get(variable, "").strip()), None)
