"""What the five nodes share: their schema's frame, what changes their cache, and the run from values to outputs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import comfy.model_management
from comfy_api.latest import io, ui

from ..remote_video.errors import RemoteVideoError, Stopped
from ..remote_video.models import ModelSpec
from ..remote_video.settings import Settings
from .comfy_host import ComfyHost, keeps_metadata, output_folder, settings, temp_folder, wired_outputs
from .inputs import common_inputs
from .outputs import DECODED, clip_outputs, read_outputs, to_decode
from .sidecar import save_workflow

if TYPE_CHECKING:
    from ..remote_video.jobs.runner import StoredClip

CATEGORY = "Remote Video"


@dataclass(frozen=True)
class Common:
    """The inputs all five nodes have."""

    seed: int | None = None
    filename_prefix: str | None = None
    fit: str = "auto"
    frames: str = "auto"
    max_frames: int = 0


class ClipNode(io.ComfyNode):
    """Base of the five nodes: image and words in, a clip out."""

    SPEC: ClassVar[ModelSpec]

    @classmethod
    def schema(cls, display_name: str, description: str, aliases: list[str], inputs: list[io.Input]) -> io.Schema:
        """The node's schema: its own inputs, then the common ones; the outputs are the same on all five."""
        return io.Schema(
            node_id=cls.SPEC.node_id,
            display_name=display_name,
            category=CATEGORY,
            description=description,
            search_aliases=aliases,
            inputs=[*inputs, *common_inputs(cls.SPEC)],
            outputs=clip_outputs(),
            is_output_node=True,
        )

    @classmethod
    def fingerprint_inputs(cls, **values: Any) -> list[str]:
        """What a cached result depends on besides the inputs: where it came from, and what was decoded of it."""
        wired = wired_outputs()
        decoded = ["unknown"] if wired is None else [str(slot) for slot in sorted(DECODED & wired)]
        return [_base(cls.SPEC, settings()), *decoded]

    @classmethod
    async def run(cls, common: Common, **values: Any) -> io.NodeOutput:
        """Make the clip of `values` (by input name), or find it again, and hand it on.

        Raises:
            RemoteVideoError: what happened, whether it was billed, what to do; the node shows it too.
            InterruptProcessingException: Stop was pressed; the node's text says what became of the job.
        """
        host = ComfyHost(cls.SPEC.name)
        try:
            return await cls._run(host, common, values)
        except Stopped as stop:
            host.say(str(stop))
            raise comfy.model_management.InterruptProcessingException() from stop
        except RemoteVideoError as error:
            host.say(f"{error.what}\nNext: {error.next_step}")
            raise

    @classmethod
    async def _run(cls, host: ComfyHost, common: Common, values: Mapping[str, Any]) -> io.NodeOutput:
        from ..remote_video.jobs.runner import make_clip

        now = settings()
        needed = to_decode(common.frames, wired_outputs())
        request = await asyncio.to_thread(cls.SPEC.request, {**values, "fit": common.fit, "seed": common.seed})
        for notice in request.notices:
            host.say(notice)
        stored = await make_clip(
            request,
            settings=now,
            host=host,
            output_folder=output_folder(),
            filename_prefix=common.filename_prefix or f"video/{cls.SPEC.node_id}",
            temp_folder=temp_folder(),
            node_id=host.node_id,
        )
        if keeps_metadata():
            await asyncio.to_thread(save_workflow, stored.path, *_workflow_and_prompt(cls.hidden))
        outputs = await read_outputs(stored.path, stored.request_id, needed, common.max_frames)
        host.say("\n".join((_summary(stored, now.sandbox), *request.notices)))
        return io.NodeOutput(*outputs, ui=player(stored.path))


def _base(spec: ModelSpec, now: Settings) -> str:
    """Names where clips come from; a sandbox's must never be served as a provider's."""
    if now.sandbox:
        return "sandbox"
    return now.runcomfy_base_url if spec.provider == "runcomfy" else now.cometapi_base_url


def _summary(stored: StoredClip, sandbox: bool) -> str:
    if stored.reused:
        before = "made" if sandbox else "paid for"
        return f"{stored.path.name}: {before} before, nothing was submitted | {stored.request_id}"
    cost = "" if stored.cost_usd is None else f": ${stored.cost_usd:.2f}"
    return f"{stored.path.name}{': sandbox, nothing was paid' if sandbox else cost} | {stored.request_id}"


def _workflow_and_prompt(hidden: Any) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    if hidden is None:
        return None, None
    return (hidden.extra_pnginfo or {}).get("workflow"), hidden.prompt


def player(clip: Path) -> ui.PreviewVideo | None:
    """A player for the node; None when the clip lies outside the output folder, which the browser can't see."""
    folder = output_folder().resolve()
    if not clip.resolve().is_relative_to(folder):
        return None
    below = clip.resolve().relative_to(folder)
    subfolder = below.parent.as_posix() if below.parent != Path() else ""
    return ui.PreviewVideo([ui.SavedResult(below.name, subfolder, io.FolderType.output)])
