"""What a Run of the open graph will do and cost, and what of it was made before. Nothing runs, no image is decoded.

A clip whose images come straight from LoadImage is known by their files' bytes, one without images by its inputs; of
any other nothing is known before it runs, and it counts as to be paid.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np
import PIL.Image
import torch

from ..remote_video.before_run import before_run
from ..remote_video.engine.look_ahead import Digests, look_ahead
from ..remote_video.errors import InputRefused, RequestRefused
from ..remote_video.media.fit import Box, ImageLimits
from ..remote_video.models import KlingElement, ModelSpec
from ..remote_video.models.fields import Field, Text
from ..remote_video.models.fitting import Fitting
from ..remote_video.models.kling_elements import Elements
from ..remote_video.models.media_fields import Footage, MediaField, Picture
from ..remote_video.models.request import Image, Request
from ..remote_video.settings import Settings
from .asked import Body
from .clip_node import ClipMaker
from .comfy_host import Prompt, is_link
from .inputs import Common
from .loaded_files import files_behind
from .nested import image_names, unpacked

UNSEEN = tuple(torch.zeros(1).expand(1, height, width, 3) for width, height in ((16, 9), (9, 16)))
"""Placeholders for an unknown image: a wide one, a tall one."""
ROTATED = {5, 6, 7, 8}
"""Of Exif's orientations, those that swap width and height."""
ORIENTATION = 0x0112
ELSEWHERE = (
    "An image or an input comes from another node, so whether this clip was made before is known only when it runs."
)
WIRED_LENGTH = "Its length comes from another node, so its price is known only when it runs."
SAME = "The same clip as another node in this graph: it is paid for once."
NO_PRICE = "The provider names no price for it."


@dataclass(frozen=True)
class Priced:
    """One clip of a graph.

    Args:
        estimate_usd: as the Run estimates it; None when that can't be said.
        is_from: it can cost more.
        made_before: it is in the ledger: nothing is paid for it.
        is_known: whether that can be told before it runs.
        why: what isn't known of it, in a sentence; None when all is.
        line: what a Run of it will do.
        kept: by the input that a picture comes by, what is left of it, as parts of its width and height.
    """

    estimate_usd: float | None = None
    is_from: bool = False
    made_before: bool = False
    is_known: bool = False
    why: str | None = None
    line: str = ""
    kept: Mapping[str, Box] = field(default_factory=dict)


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
        "nodes": {node_id: asdict(one) for node_id, one in nodes.items()},
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
    given = dict(inputs) if isinstance(inputs, Mapping) else {}
    try:
        asked = Asked.of(maker, given, prompt, node_id)
        request = asked.request()
        is_shaped = asked.is_shaped and asked.request(unseen=1).canvas == request.canvas
    except InputRefused as refusal:
        ahead = Priced() if given.get("prompt") else _with_words(settings, prompt, node_id, maker)
        return Priced(why=f"{refusal.what} {refusal.next_step}", line=ahead.line, kept=ahead.kept)
    except (ValueError, TypeError, AttributeError, KeyError):  # what was posted is anybody's
        return Priced(why="Its inputs can't be read.")
    digests = asked.digests(request, settings.endpoint(asked.spec.provider))
    known = look_ahead(request, settings, digests, has_price=not asked.has_wired_length)
    told = before_run(request, known)
    if not is_shaped:
        told = replace(told, shape="", pictures=())
    if asked.has_wired_length:
        told = replace(told, length_s=None)
    priced = Priced(known.usd, known.is_from, known.is_made or known.is_being_made, line=told.line)
    if is_shaped and request.plans:
        kept = {name: request.plans[called].kept for name, called in asked.called.items() if called in request.plans}
        priced = replace(priced, kept=kept)
    if digests is None:
        return replace(priced, why=WIRED_LENGTH if asked.has_wired_length else ELSEWHERE)
    priced = replace(priced, is_known=True)
    name = next(filter(None, digests))
    if name in made:
        return replace(priced, made_before=True, why=SAME, line=SAME)
    made.add(name)
    return replace(priced, why=NO_PRICE if known.usd is None and not settings.sandbox else None)


def _with_words(settings: Settings, prompt: Prompt, node_id: str, maker: type[ClipMaker]) -> Priced:
    """What is so once there is a prompt: length, shape and picture are worth knowing before."""
    node = prompt[node_id]
    inputs = node.get("inputs")
    with_words = {**node, "inputs": {**(inputs if isinstance(inputs, Mapping) else {}), "prompt": "?"}}
    return _priced(settings, {**prompt, node_id: with_words}, node_id, maker, set())


# -- a request without its pixels --------------------------------------------------------------------------------------


class Unfitted(Fitting):
    """Leaves images as they are: of their pixels nothing is asked, and their sizes tell what will become of them."""

    def image(self, tensor: Any, name: str, limits: ImageLimits, *, fills_canvas: bool) -> Image:
        """One image for all. Raises InputRefused."""
        self.came_from(name)
        size = (tensor.shape[-2], tensor.shape[-3])
        if not any(tensor is one for one in UNSEEN):
            self.planned(size, name, limits, fills_canvas=fills_canvas)
        elif fills_canvas and self.first is None:
            self.first = size
        return Image.of(np.zeros((1, 1, 3), np.uint8), limits)


@dataclass(frozen=True)
class Asked:
    """What one node asks for, as far as it is known before it runs.

    Args:
        values: by field name, with links in place of what comes by wires.
        called: what each image is called, by the input of the prompt that it comes by.
        sources: the images' files, by what the images are called.
        below: what the names of the model's own inputs begin with in a prompt.
        is_known: whether all but the images is what the node will be given.
        is_shaped: whether nothing comes by a wire that says the clip's shape.
    """

    spec: ModelSpec
    values: Mapping[str, Any]
    called: Mapping[str, str]
    sources: Mapping[str, Path]
    below: str
    is_known: bool
    is_shaped: bool
    has_wired_length: bool

    @classmethod
    def of(cls, maker: type[ClipMaker], inputs: dict[str, Any], prompt: Prompt, node_id: str) -> Asked:
        """Read a node of a prompt. Raises InputRefused, and what wrong values raise."""
        maker.read_posted(inputs)
        spec, given, below = maker.asked(inputs)
        common = Common.of(inputs)
        wired = [field for field in spec.fields if _has_link(given.get(field.name))]
        plain = {field.name for field in wired if not isinstance(field, Picture)}
        called = image_names(spec, given, below)
        seed = {"seed": common.seed} if not is_link(common.seed) else {}
        fit = {"fit": common.fit} if not is_link(common.fit) else {}
        return cls(
            spec,
            {**{name: value for name, value in given.items() if value is not None}, **seed, **fit},
            called,
            dict(files_behind(prompt, node_id, called)),
            below,
            is_known=not plain and len(seed) + len(fit) == 2,
            is_shaped=bool(fit) and plain.isdisjoint(spec.shape_inputs),
            has_wired_length=not plain.isdisjoint(spec.length_inputs),
        )

    def request(self, unseen: int = 0) -> Request:
        """The request that this will be, with one of `UNSEEN` for what isn't known. Raises InputRefused."""
        values = {
            field.name: self._standing_in(field, self.values[field.name], unseen)
            for field in self.spec.fields
            if field.name in self.values
        }
        files = {image: digest for image, path in self.sources.items() if (digest := _digest(path)) is not None}
        own = {**self.values, **values, "files": files}
        return self.spec.request(unpacked(self.spec, own), Unfitted)

    def _standing_in(self, field: Field, value: Any, unseen: int, name: str = "") -> Any:
        """The value, with something of its kind for each wire."""
        name = name or field.name
        if isinstance(value, Mapping):
            return {
                inner: self._standing_in(field, one, unseen, f"{field.name}.{inner}") if is_link(one) else one
                for inner, one in value.items()
            }
        if not is_link(value):
            return value
        if isinstance(field, Picture):
            file = self.sources.get(self.called.get(f"{self.below}{name}", ""))
            size = _size(file) if file else None
            return torch.zeros(1).expand(1, size[1], size[0], 3) if size else UNSEEN[unseen]
        if isinstance(field, Elements):
            return KlingElement(frontal_image=UNSEEN[0])
        if isinstance(field, MediaField):
            return b"" if isinstance(field, Footage) else {"waveform": torch.zeros(1, 1, 1), "sample_rate": 8000}
        return "?" * max(field.min_length, 1) if isinstance(field, Text) else None

    def digests(self, request: Request, endpoint: str) -> Digests | None:
        """What its job will be known by: without images, or by their files; None when that isn't known yet."""
        if not self.is_known:
            return None
        if not any(request.media()):
            return request.key(endpoint, account_tag=""), None
        by_files = request.file_digest(endpoint)
        return None if by_files is None else ("", by_files)


def _has_link(value: Any) -> bool:
    return is_link(value) or (isinstance(value, Mapping) and any(map(is_link, value.values())))


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
