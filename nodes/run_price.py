"""What a Run of the open graph will cost, and what of it was made before. Nothing runs and no image is decoded.

A clip whose images come straight from LoadImage is known by their files' bytes, one without images by its inputs; of
any other nothing is known before it runs, and it counts as to be paid.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np
import PIL.Image
import torch

from ..remote_video.catalogue import store
from ..remote_video.catalogue.length import FRAMES, RATES, SECONDS
from ..remote_video.catalogue.price import estimate_of
from ..remote_video.errors import AccountError, InputRefused, RequestRefused, SettingsError
from ..remote_video.ledger.ledger import Ledger
from ..remote_video.ledger.lifecycle import BRINGS_A_CLIP
from ..remote_video.media.fit import ImageLimits
from ..remote_video.models import KlingElement, ModelSpec
from ..remote_video.models.fields import Field, Text
from ..remote_video.models.fitting import Fitting
from ..remote_video.models.kling_elements import Elements
from ..remote_video.models.media_fields import Footage, MediaField, Picture
from ..remote_video.models.request import Image, Request
from ..remote_video.providers.client import connect
from ..remote_video.settings import Settings
from .asked import Body
from .clip_node import ClipMaker
from .comfy_host import Prompt, is_link
from .inputs import Common
from .loaded_files import files_behind
from .nested import image_names, unpacked

LENGTHS = {*SECONDS, *FRAMES, *RATES}
"""Inputs that may say how long a clip is."""
ROTATED = {5, 6, 7, 8}
"""Of Exif's orientations, those that swap width and height."""
ORIENTATION = 0x0112
ELSEWHERE = "An image or an input comes from another node: whether this clip was made before is known when it runs."
WIRED_LENGTH = "Its length comes from another node: what it costs is known when it runs."
SAME = "The same clip as another node's of this graph: it is paid for once."
NO_PRICE = "The provider names no price for it."


@dataclass(frozen=True)
class Priced:
    """One clip of a graph.

    Args:
        estimate_usd: as the Run estimates it; None when that can't be said.
        is_from: it can cost more.
        made_before: it is in the ledger: nothing is paid for it.
        why: what isn't known of it, in a sentence; None when all is.
    """

    estimate_usd: float | None = None
    is_from: bool = False
    made_before: bool = False
    why: str | None = None


def run_price(settings: Settings, body: Body) -> dict[str, Any]:
    """{prompt: in API format} -> what its clips will cost.

    Returns:
        {nodes: by id, as `Priced`; clips: how many, made: of those, before; usd: of the others, as far as known;
        is_from: whether it can be more; unknown: how many others have no known price; sandbox: bool}

    Raises:
        RequestRefused, LedgerError.
    """
    prompt = body.get("prompt")
    if not isinstance(prompt, dict) or not all(isinstance(node, dict) for node in prompt.values()):
        raise RequestRefused("The request has no graph 'prompt'.")
    made: set[str] = set()
    nodes = {
        str(node_id): _priced(settings, prompt, str(node_id), maker, made)
        for node_id, node in prompt.items()
        if (maker := _makers().get(str(node.get("class_type")))) is not None
    }
    to_pay = [one for one in nodes.values() if not one.made_before]
    return {
        "nodes": {node_id: vars(one) for node_id, one in nodes.items()},
        "clips": len(nodes),
        "made": len(nodes) - len(to_pay),
        "usd": round(sum(one.estimate_usd or 0.0 for one in to_pay), 6),
        "is_from": any(one.is_from for one in to_pay),
        "unknown": sum(one.estimate_usd is None for one in to_pay),
        "sandbox": settings.sandbox,
    }


@lru_cache(maxsize=1)
def _makers() -> dict[str, type[ClipMaker]]:
    from . import NODES

    return {node.__name__: node for node in NODES if issubclass(node, ClipMaker)}


def _priced(settings: Settings, prompt: Prompt, node_id: str, maker: type[ClipMaker], made: set[str]) -> Priced:
    inputs = prompt[node_id].get("inputs")
    try:
        asked = Asked.of(maker, dict(inputs) if isinstance(inputs, Mapping) else {}, prompt, node_id)
        request = asked.request()
    except InputRefused as refusal:
        return Priced(why=f"{refusal.what} {refusal.next_step}")
    except (ValueError, TypeError, AttributeError, KeyError):  # what was posted is anybody's
        return Priced(why="Its inputs can't be read.")
    known = store.known(settings.home, settings.endpoint(asked.spec.provider))
    estimate = None if settings.sandbox or asked.has_wired_length else estimate_of(request, known)
    usd, is_from = (estimate.usd, estimate.is_from) if estimate else (None, False)
    why = WIRED_LENGTH if asked.has_wired_length else None if estimate or settings.sandbox else NO_PRICE
    digests = asked.digests(request, settings.endpoint(asked.spec.provider))
    if digests is None:
        return Priced(usd, is_from, why=ELSEWHERE)
    name = next(filter(None, digests))
    if name in made:
        return Priced(usd, is_from, made_before=True, why=SAME)
    made.add(name)
    return Priced(usd, is_from, _is_made(settings, asked.spec.provider, digests), why)


def _is_made(settings: Settings, provider: str, digests: tuple[str, str | None]) -> bool:
    ledger = Ledger(settings.home, settings.timeouts)
    jobs = [job for job in ledger.alike(*digests) if job.state in BRINGS_A_CLIP]
    if not jobs:
        return False
    try:
        account: str | None = ledger.account_tag(connect(provider, settings).account_key)
    except (AccountError, SettingsError):
        account = None
    return any(job.account in (None, account) or _is_here(job.clip_path) for job in jobs)


def _is_here(clip: Path | None) -> bool:
    return clip is not None and clip.exists()


# -- a request without its pixels --------------------------------------------------------------------------------------


class Unfitted(Fitting):
    """Leaves images as they are: of their pixels nothing is asked."""

    def image(self, tensor: Any, name: str, limits: ImageLimits, *, fills_canvas: bool) -> Image:
        """One image for all."""
        self.came_from(name)
        return Image.of(np.zeros((1, 1, 3), np.uint8), limits)


@dataclass(frozen=True)
class Asked:
    """What one node asks for, as far as it is known before it runs.

    Args:
        values: by field name, with stand-ins for what comes by wires.
        files: the SHA-256 of the images' files, by what the images are called.
        is_known: whether all but the images is what the node will be given.
    """

    spec: ModelSpec
    values: Mapping[str, Any]
    files: Mapping[str, str]
    is_known: bool
    has_wired_length: bool

    @classmethod
    def of(cls, maker: type[ClipMaker], inputs: dict[str, Any], prompt: Prompt, node_id: str) -> Asked:
        """Read a node of a prompt. Raises InputRefused, and what wrong values raise."""
        maker.read_posted(inputs)
        spec, given, below = maker.asked(inputs)
        common = Common.of(inputs)
        wired = {field.name: field for field in spec.fields if _has_link(given.get(field.name))}
        plain = [field for field in wired.values() if not isinstance(field, Picture)]
        called = image_names(spec, given, below)
        sources = dict(files_behind(prompt, node_id, called))
        names = {input_name: sources.get(image) for input_name, image in called.items()}
        values = {
            field.name: _standing_in(field, given[field.name], lambda name: names.get(f"{below}{name}"))
            for field in spec.fields
            if given.get(field.name) is not None
        }
        files = {image: digest for image, path in sources.items() if (digest := _digest(path)) is not None}
        seed = {"seed": common.seed} if not is_link(common.seed) else {}
        fit = {"fit": common.fit} if not is_link(common.fit) else {}
        is_known = not plain and len(seed) + len(fit) == 2
        return cls(spec, {**values, **seed, **fit}, files, is_known, any(field.name in LENGTHS for field in plain))

    def request(self) -> Request:
        """The request that this will be. Raises InputRefused."""
        return self.spec.request({**unpacked(self.spec, self.values), "files": self.files}, Unfitted)

    def digests(self, request: Request, endpoint: str) -> tuple[str, str | None] | None:
        """What its job will be known by: without images, or by their files; None when that isn't known yet."""
        if not self.is_known:
            return None
        if not any(request.media()):
            return request.key(endpoint, account_tag=""), None
        by_files = request.file_digest(endpoint)
        return None if by_files is None else ("", by_files)


def _has_link(value: Any) -> bool:
    return is_link(value) or (isinstance(value, Mapping) and any(map(is_link, value.values())))


def _standing_in(field: Field, value: Any, source: Any, name: str = "") -> Any:
    """The value, with something of its kind for each wire."""
    name = name or field.name
    if isinstance(value, Mapping):
        return {
            inner: _standing_in(field, one, source, f"{field.name}.{inner}") if is_link(one) else one
            for inner, one in value.items()
        }
    if not is_link(value):
        return value
    if isinstance(field, Picture):
        return _blank(source(name))
    if isinstance(field, Elements):
        return KlingElement(frontal_image=_blank(None))
    if isinstance(field, MediaField):
        return b"" if isinstance(field, Footage) else {"waveform": torch.zeros(1, 1, 1), "sample_rate": 8000}
    return "?" * max(field.min_length, 1) if isinstance(field, Text) else None


def _blank(file: Path | None) -> torch.Tensor:
    """An IMAGE as large as the picture in the file, and no memory: nothing is read of it but its size."""
    width, height = (file and _size(file)) or (16, 16)
    return torch.zeros(1).expand(1, height, width, 3)


def _size(file: Path) -> tuple[int, int] | None:
    if not _is_ours(file):
        return None
    try:
        with PIL.Image.open(file) as picture:
            width, height = picture.size
            return (height, width) if picture.getexif().get(ORIENTATION) in ROTATED else (width, height)
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError):
        return None


def _digest(file: Path) -> str | None:
    try:
        about = file.stat()
        return _digest_of(file, about.st_size, about.st_mtime_ns) if _is_ours(file) else None
    except OSError:
        return None


@lru_cache(maxsize=500)
def _digest_of(file: Path, _size: int, _mtime_ns: int) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _is_ours(file: Path) -> bool:
    """Whether it lies in one of ComfyUI's folders: a graph that is asked about may name any path."""
    return any(Path(os.path.normpath(file)).is_relative_to(os.path.normpath(folder)) for folder in _folders())


def _folders() -> Iterator[str]:
    yield folder_paths.get_input_directory()
    yield folder_paths.get_output_directory()
    yield folder_paths.get_temp_directory()
