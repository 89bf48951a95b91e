"""What the clip nodes share: their schema's frame, what changes their cache, and the run from values to outputs."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import comfy.model_management
from comfy_api.latest import io, ui
from comfy_execution.graph_utils import ExecutionBlocker

from ..remote_video.console import never_raise
from ..remote_video.dollars import dollars
from ..remote_video.errors import RemoteVideoError, Stopped
from ..remote_video.models.fields import Field, Seed
from ..remote_video.models.groups import Repeated
from ..remote_video.models.spec import ModelSpec
from ..remote_video.outside_text import storable
from .asker import NO_ID, NodeAsker
from .comfy_host import keeps_metadata, output_folder, settings, temp_folder, the_engine, wired_outputs
from .due import note_blocked, note_handed_on, times_due
from .inputs import Common, common_fields, common_inputs, model_input
from .literals import literals_of, read_literals
from .loaded_files import loaded_files
from .nested import image_names, nested, unpacked
from .outputs import DECODED, clip_outputs, read_outputs, to_decode

if TYPE_CHECKING:
    from ..remote_video.engine.order import Order
    from ..remote_video.engine.watch import StoredClip
    from .list_order import ListItem

CATEGORY = "Remote Video"
SOUGHT_AS = ("image to video", "img2vid", "i2v", "photo to clip", "\u56fe\u751f\u89c6\u9891", "remote video")
"""Search words for all of the nodes; the last but one is Chinese for the first."""


class ClipMaker:
    """What the clip nodes mix in: a model and its values in, a clip out.

    A node names `io.ComfyNode` as a base of its own beside it: who offers a workflow's missing nodes for installation
    (ComfyUI-Manager) finds them by reading source, and knows a node by its direct bases.
    """

    SPEC: ClassVar[ModelSpec | type[ModelSpec]]
    hidden: ClassVar[io.HiddenHolder]

    @classmethod
    def schema(
        cls, display_name: str, description: str, aliases: Iterable[str], inputs: list[io.Input], **more: Any
    ) -> io.Schema:
        """The node's schema; the outputs are the same on all."""
        return io.Schema(
            node_id=cls.SPEC.node_id,
            display_name=display_name,
            category=CATEGORY,
            description=description,
            search_aliases=[*aliases, *SOUGHT_AS],
            inputs=inputs,
            outputs=clip_outputs(),
            is_output_node=True,
            **more,
        )

    @classmethod
    def read_posted(cls, inputs: dict[str, Any]) -> None:
        """See `literals.Reader`."""
        raise NotImplementedError

    @classmethod
    def asked(cls, inputs: Mapping[str, Any]) -> tuple[ModelSpec, dict[str, Any], str]:
        """The model that a node of a prompt asks, the values of its fields as nested as ComfyUI makes them, and what
        the names of the model's own inputs begin with in a prompt. Wires are still links. Raises InputRefused.
        """
        raise NotImplementedError

    @classmethod
    def fingerprint_inputs(cls, **values: Any) -> list[str]:
        """What a cached result depends on besides the inputs: where it came from, what was decoded, and what is due."""
        wired = wired_outputs()
        decoded = ["unknown"] if wired is None else [str(slot) for slot in sorted(DECODED & wired)]
        return [settings().endpoint(cls.SPEC.provider), f"due {times_due()}", *decoded]

    @classmethod
    async def make(cls, spec: ModelSpec, common: Common, values: Mapping[str, Any], below: str = "") -> io.NodeOutput:
        """Make the clip of `values` (by field name), or find it again, and hand it on.

        Args:
            below: what the names of the model's own inputs begin with in a prompt.

        Raises:
            RemoteVideoError: what happened, whether it was billed, what to do; the node shows it too.
            InterruptProcessingException: Stop was pressed; the node's text says what became of the job.
        """
        from .list_order import ListItem  # what only a Run needs: ComfyUI's start need not wait for it

        never_raise()
        node = NodeAsker(spec.name, spec.provider)
        prefix = common.filename_prefix or f"video/{cls.SPEC.node_id}"
        try:
            with ListItem(node.prompt_id, node.node_id, prefix) as item:
                await item.others_begun()
                return await cls._run(node, common, lambda: cls._order(spec, node, common, values, item, below))
        except RemoteVideoError as error:
            node.fails(error)
            raise
        except BaseException as end:
            node.ends_early()
            if isinstance(end, Stopped):
                raise comfy.model_management.InterruptProcessingException() from end
            raise

    @classmethod
    async def _run(cls, node: NodeAsker, common: Common, order_of: Callable[[], Order]) -> io.NodeOutput:
        from ..remote_video.engine.watch import StoredClip

        engine, needed = the_engine(), to_decode(common.frames, wired_outputs())
        order = await node.unless_stopped(engine.pools.preparations.start(order_of))
        if order.request is not None:
            for notice in order.request.notices:
                node.says(notice)
            node.notices, node.file_notices = order.request.notices, order.request.file_notices
        watch = engine.watch(order, node, until_accepted=not common.wait and node.is_in_prompt)
        del order  # its pixels go when they are submitted
        clip = None
        try:
            clip = await watch.accepted()
        finally:
            node.has_left = not isinstance(clip, StoredClip)
            watch.leave()
        if not isinstance(clip, StoredClip):
            note_blocked()
            node.goes_on(clip)
            return io.NodeOutput(*(ExecutionBlocker(None) for _ in clip_outputs()))
        warnings: list[str] = []
        is_over = threading.Event()

        def check() -> None:
            if is_over.is_set():
                raise Stopped("Nobody waits for these frames any more.")

        reading = engine.pools.decoding.start(
            lambda: read_outputs(clip.path, clip.request_id, needed, common.max_frames, warnings.append, check)
        )
        try:
            outputs = await node.unless_stopped(reading)
        finally:
            is_over.set()
            engine.pools.decoding.leave(reading)
        for file in (clip.path, *clip.others):
            note_handed_on(file)
        node.has_made(clip, _summary(clip), (*clip.more, *warnings))
        return io.NodeOutput(*outputs, ui=player(clip.path))

    @classmethod
    def _order(
        cls,
        spec: ModelSpec,
        node: NodeAsker,
        common: Common,
        values: Mapping[str, Any],
        item: ListItem,
        below: str,
    ) -> Order:
        from ..remote_video.engine.order import place_order

        known = settings()
        files = loaded_files(node.prompt_id, node.node_id, image_names(spec, values, below))
        return place_order(
            spec.request({**unpacked(spec, values), "fit": common.fit, "seed": common.seed, "files": files}),
            known,
            output_folder=output_folder(),
            filename_prefix=item.filename_prefix(output_folder(), follow_links=known.follow_links),
            temp_folder=temp_folder(),
            node_id=storable(node.node_id),
            workflow_id=storable(node.workflow_id) if node.workflow_id not in (None, NO_ID) else None,
            sidecar=workflow_text(cls.hidden) if keeps_metadata() else None,
        )


class ClipNode(ClipMaker):
    """What the nodes of one model each mix in: `SPEC` is the table of what they take, and all else comes from it."""

    SPEC: ClassVar[ModelSpec]
    TITLE: ClassVar[str]
    ABOUT: ClassVar[str]
    ALIASES: ClassVar[tuple[str, ...]]

    @classmethod
    def define_schema(cls) -> io.Schema:
        """The model's own inputs, then the common ones."""
        own = [model_input(field) for field in cls.SPEC.fields if not isinstance(field, Seed)]
        return cls.schema(
            cls.TITLE,
            cls.ABOUT,
            cls.ALIASES,
            [*own, *common_inputs(cls._common())],
            # Without this ComfyUI drops a choice of groups that it doesn't know, with all of them, and says nothing.
            accept_all_inputs=any(isinstance(field, Repeated) for field in cls.SPEC.fields),
        )

    @classmethod
    def read_posted(cls, inputs: dict[str, Any]) -> None:
        """See `literals.Reader`."""
        read_literals(inputs, literals_of((*cls.SPEC.fields, *cls._common())))

    @classmethod
    def asked(cls, inputs: Mapping[str, Any]) -> tuple[ModelSpec, dict[str, Any], str]:
        """See `ClipMaker.asked`."""
        values = {**inputs, **nested(cls.SPEC, inputs)}
        return cls.SPEC, {field.name: values.get(field.name) for field in cls.SPEC.fields}, ""

    @classmethod
    async def execute(cls, **values: Any) -> io.NodeOutput:
        """Run by ComfyUI. See `ClipMaker.make`."""
        return await cls.make(cls.SPEC, Common.of(values), nested(cls.SPEC, values))

    @classmethod
    def _common(cls) -> list[Field]:
        return common_fields(cls.SPEC.node_id, cls.SPEC.seed)


def _summary(clip: StoredClip) -> str:
    if clip.reused:
        before = "made" if clip.sandbox else "paid for"
        return f"{clip.path.name}: {before} before, nothing was submitted | {clip.request_id}"
    cost = "" if clip.cost_usd is None else f": {dollars(clip.cost_usd)}"
    return f"{clip.path.name}{': sandbox, nothing was paid' if clip.sandbox else cost} | {clip.request_id}"


def workflow_text(hidden: Any) -> str | None:
    """The graph as JSON text for the sidecar: as the browser sent it, else in API format; None without one."""
    if not hidden:
        return None
    more = hidden.extra_pnginfo
    graph = (more.get("workflow") if isinstance(more, Mapping) else None) or hidden.prompt
    if not graph or not isinstance(graph, (dict, list)):
        return None
    return storable(json.dumps(graph, ensure_ascii=False, indent=1))


def player(clip: Path) -> ui.PreviewVideo | None:
    """A player for the node; None when the clip lies outside the output folder, which the browser can't see."""
    folder = output_folder().resolve()
    if not clip.is_relative_to(folder):
        return None
    below = clip.relative_to(folder)
    subfolder = below.parent.as_posix() if below.parent != Path() else ""
    return ui.PreviewVideo([ui.SavedResult(below.name, subfolder, io.FolderType.output)])
