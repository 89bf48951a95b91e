"""What ComfyUI's registry reads in pyproject.toml, held against its specification.

comfy-cli's own `comfy node validate` only warns of most of it, publishes all the same, and leaves the field empty.
Source: https://docs.comfy.org/registry/specifications and comfy_cli/registry/config_parser.py of comfy-cli 1.23.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
"""ComfyUI-Manager can compare no other: none that is worked out at build time, and no pre-release."""
COMFYUI = re.compile(r"(==|>=|<=|!=|~=|>|<)\d+\.\d+\.\d+")
NAME = re.compile(r"[a-z](?:[a-z0-9]|[-_.](?![-_.])){0,98}(?<![-_.])")
PUBLISHER = re.compile(r"[a-z][a-z0-9-]{1,60}")
SYSTEMS = ("Microsoft", "POSIX", "MacOS", "OS Independent")
ACCELERATORS = (
    "GPU :: NVIDIA CUDA",
    "GPU :: AMD ROCm",
    "GPU :: Intel Arc",
    "NPU :: Huawei Ascend",
    "GPU :: Apple Metal",
)


def project(root: Path) -> dict[str, Any]:
    """What pyproject.toml says. Raises OSError, ValueError."""
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))


def faults(told: dict[str, Any], root: Path) -> list[str]:
    """A sentence for each field that the registry would refuse, leave out, or show wrong.

    Args:
        told: what pyproject.toml says.
        root: the folder it lies in, where the files it names are looked for.
    """
    about, comfy = told.get("project", {}), told.get("tool", {}).get("comfy", {})
    return [*_of_project(about, root), *_of_classifiers(about), *_of_comfy(comfy, root)]


def _of_project(about: dict[str, Any], root: Path) -> Iterator[str]:
    if not NAME.fullmatch(str(about.get("name", ""))) or "comfyui" in about["name"]:
        yield "project.name: small letters, digits, and single - _ . between them, at most 100, without `comfyui`"
    if "version" in about.get("dynamic", ()) or not VERSION.fullmatch(str(about.get("version", ""))):
        yield "project.version: X.Y.Z, written down here: not dynamic, and no pre-release"
    if not about.get("description"):
        yield "project.description: missing"
    given = about.get("license")
    file = given.get("file") if isinstance(given, dict) else None
    if not isinstance(given, dict) or not (file or given.get("text")):
        yield 'project.license: { file = "LICENSE" } or { text = "..." }'
    elif file and not (root / file).is_file():
        yield f"project.license: there is no {file}"
    if not str(about.get("urls", {}).get("Repository", "")).startswith("https://"):
        yield "project.urls.Repository: an https:// address"


def _of_classifiers(about: dict[str, Any]) -> Iterator[str]:
    named: list[str] = about.get("classifiers", [])
    systems = [name.removeprefix("Operating System :: ") for name in named if name.startswith("Operating System ::")]
    if not systems or not all(system.startswith(SYSTEMS) for system in systems):
        yield f"project.classifiers: `Operating System :: ` and one of {', '.join(SYSTEMS)}; else none is shown"
    environments = [name.removeprefix("Environment :: ") for name in named if name.startswith("Environment ::")]
    if not all(environment in ACCELERATORS for environment in environments):
        yield f"project.classifiers: `Environment :: ` and one of {', '.join(ACCELERATORS)}; else none is shown"
    pythons = sorted(int(found[1]) for name in named if (found := re.fullmatch(r".* :: Python :: 3\.(\d+)", name)))
    if f">=3.{pythons[0] if pythons else '?'}" != about.get("requires-python"):
        yield "project.requires-python: `>=` and the oldest Python of the classifiers"


def _of_comfy(comfy: dict[str, Any], root: Path) -> Iterator[str]:
    if not PUBLISHER.fullmatch(str(comfy.get("PublisherId", ""))):
        yield "tool.comfy.PublisherId: small letters, digits and -"
    if not comfy.get("DisplayName"):
        yield "tool.comfy.DisplayName: missing"
    wanted = [part.strip() for part in str(comfy.get("requires-comfyui", "")).split(",")]
    if not all(COMFYUI.fullmatch(part) for part in wanted):
        yield "tool.comfy.requires-comfyui: >=X.Y.Z, or several with commas; any other is left out without an error"
    for key in ("Icon", "Banner"):
        address = str(comfy.get(key, ""))
        file = root / "assets" / address.rpartition("/")[2]
        if not address.startswith("https://") or not file.is_file():
            yield f"tool.comfy.{key}: the https:// address of a file in assets/"
    includes = comfy.get("includes", [])
    if not (isinstance(includes, list) and all(isinstance(one, str) and (root / one).exists() for one in includes)):
        yield "tool.comfy.includes: a list of paths that are there"
    for model in comfy.get("Models", []):
        if not {"location", "model_url"} <= model.keys():
            yield "tool.comfy.Models: each with location and model_url"
