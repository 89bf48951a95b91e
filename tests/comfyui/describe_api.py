"""Print what the names this pack uses look like, as JSON; run with the folder of the stand-in or of ComfyUI."""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

IO_TYPES = ("Image", "Video", "Audio", "Boolean", "Int", "Float", "String", "Combo", "DynamicCombo", "Autogrow")
NAMES = [
    *(f"comfy_api.latest:io.{name}" for name in IO_TYPES),
    *(f"comfy_api.latest:io.{name}.Input" for name in IO_TYPES),
    *(f"comfy_api.latest:io.{name}.Output" for name in ("Image", "Video", "Audio", "String", "Float")),
    "comfy_api.latest:io.DynamicCombo.Option",
    "comfy_api.latest:io.Autogrow.TemplatePrefix",
    "comfy_api.latest:io.Autogrow.TemplateNames",
    "comfy_api.latest:io.MultiType",
    "comfy_api.latest:io.MultiType.Input",
    "comfy_api.latest:io.Custom",
    "comfy_api.latest:io.Schema",
    "comfy_api.latest:io.ComfyNode",
    "comfy_api.latest:io.NodeOutput",
    "comfy_api.latest:io.FolderType.output",
    "comfy_api.latest:ui.PreviewVideo",
    "comfy_api.latest:ui.PreviewVideo.as_dict",
    "comfy_api.latest:ui.SavedResult",
    "comfy_api.latest:ComfyExtension.on_load",
    "comfy_api.latest:ComfyExtension.get_node_list",
    "comfy_api.latest:Input.Video",
    "comfy_api.latest:Input.Video.save_to",
    "comfy_api.latest:InputImpl.VideoFromFile.save_to",
    "comfy_api.latest:InputImpl.VideoFromComponents",
    "comfy_api.latest:InputImpl.VideoFromComponents.save_to",
    "comfy_api.latest:Types.VideoCodec.H264",
    "comfy_api.latest:Types.VideoContainer.MP4",
    "comfy_api.latest:Types.VideoComponents",
    "comfy_execution.utils:get_executing_context",
    "comfy_execution.utils:CurrentNodeContext",
    "comfy_execution.utils:ExecutionContext",
    "comfy_execution.graph_utils:ExecutionBlocker",
    "comfy_execution.progress:get_progress_state",
    "comfy_execution.progress:ProgressRegistry.update_progress",
    "comfy.model_management:processing_interrupted",
    "comfy.model_management:interrupt_current_processing",
    "comfy.model_management:InterruptProcessingException",
    "comfy.cli_args:args.disable_metadata",
    "folder_paths:get_output_directory",
    "folder_paths:get_temp_directory",
    "folder_paths:get_system_user_directory",
    "folder_paths:get_annotated_filepath",
    "server:PromptServer.send_progress_text",
    "server:PromptServer.send_sync",
    "server:PromptServer.add_on_prompt_handler",
]


def found(name: str) -> Any:
    module, _, path = name.partition(":")
    value = import_module(module)
    for part in path.split("."):
        value = getattr(value, part)
    return value


def parameters(value: Any) -> dict[str, str] | None:
    """Name and default of what a caller passes; None where a signature says nothing."""
    if not callable(value) or (inspect.isclass(value) and issubclass(value, BaseException)):
        return None
    own = inspect.signature(value).parameters.values()
    told = [p for p in own if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in ("self", "cls")]
    return {p.name: "required" if p.default is p.empty else shown(p.default) for p in told}


def shown(default: Any) -> str:
    if default is dataclasses.MISSING or "factory" in repr(default):
        return "made anew"
    return repr(getattr(default, "value", default))


def described(name: str) -> dict[str, Any] | None:
    try:
        value = found(name)
    except AttributeError:
        return None
    kind = "class" if inspect.isclass(value) else "function" if callable(value) else "value"
    words = [getattr(value, word, None) for word in ("io_type", "value")]
    return {"kind": kind, "parameters": parameters(value), "words": [w if isinstance(w, str) else None for w in words]}


def main() -> None:
    sys.path.insert(0, sys.argv[1])
    sys.argv[1:] = ["--cpu"]
    if find_spec("comfy.options"):
        import_module("comfy.options").enable_args_parsing()
        import_module("utils")  # as main.py does, before `nodes` puts another module of that name in its way
    print(json.dumps({name: described(name) for name in NAMES}))


if __name__ == "__main__":
    main()
