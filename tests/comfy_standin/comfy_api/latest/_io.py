"""Schemas: inputs, outputs, nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any, ClassVar


class FolderType(str, Enum):
    input = "input"
    output = "output"
    temp = "temp"


class Input:
    """An input of a node. Of the host's parameters, here and below, those the pack uses."""

    Parent: type[ComfyType]

    def __init__(
        self,
        id: str,
        display_name: str | None = None,
        optional: bool = False,
        tooltip: str | None = None,
        advanced: bool | None = None,
    ) -> None:
        self.id, self.display_name = id, display_name
        self.optional, self.tooltip, self.advanced = optional, tooltip, advanced

    @property
    def io_type(self) -> str:
        return self.Parent.io_type


class Output:
    """An output of a node."""

    Parent: type[ComfyType]

    def __init__(self, id: str | None = None, tooltip: str | None = None) -> None:
        self.id, self.tooltip = id, tooltip

    @property
    def io_type(self) -> str:
        return self.Parent.io_type


class ComfyType:
    """A kind of wire."""

    io_type: str
    Input: type[Input]
    Output: type[Output]

    def __init_subclass__(cls, io_type: str | None = None) -> None:
        if io_type is not None:
            cls.io_type = io_type
        for part, base in (("Input", Input), ("Output", Output)):
            own = cls.__dict__.get(part, type(part, (base,), {}))
            own.Parent = cls
            setattr(cls, part, own)


class Image(ComfyType, io_type="IMAGE"): ...


class Video(ComfyType, io_type="VIDEO"): ...


class Audio(ComfyType, io_type="AUDIO"): ...


class Boolean(ComfyType, io_type="BOOLEAN"):
    class Input(Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            default: bool | None = None,
            advanced: bool | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, advanced)
            self.default = default


class Int(ComfyType, io_type="INT"):
    class Input(Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            default: int | None = None,
            min: int | None = None,
            max: int | None = None,
            control_after_generate: bool | str | None = None,
            advanced: bool | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, advanced)
            self.default, self.min, self.max = default, min, max
            self.control_after_generate = control_after_generate


class Float(ComfyType, io_type="FLOAT"):
    class Input(Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            default: float | None = None,
            min: float | None = None,
            max: float | None = None,
            step: float | None = None,
            advanced: bool | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, advanced)
            self.default, self.min, self.max, self.step = default, min, max, step


class String(ComfyType, io_type="STRING"):
    class Input(Input):
        def __init__(
            self,
            id: str,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            multiline: bool = False,
            default: str | None = None,
            advanced: bool | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, advanced)
            self.default, self.multiline = default, multiline


class Combo(ComfyType, io_type="COMBO"):
    class Input(Input):
        def __init__(
            self,
            id: str,
            options: list[str] | list[int] | None = None,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
            default: str | int | None = None,
            advanced: bool | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip, advanced)
            self.default, self.options = default, options


class DynamicCombo(ComfyType, io_type="COMFY_DYNAMICCOMBO_V3"):
    class Option:
        def __init__(self, key: str, inputs: list[Input]) -> None:
            self.key, self.inputs = key, inputs

    class Input(Input):
        def __init__(
            self,
            id: str,
            options: list[DynamicCombo.Option],
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip)
            self.options = options


class Autogrow(ComfyType, io_type="COMFY_AUTOGROW_V3"):
    class TemplatePrefix:
        def __init__(self, input: Input, prefix: str, min: int = 1, max: int = 10) -> None:
            self.input, self.prefix, self.min, self.max = input, prefix, min, max

    class TemplateNames:
        def __init__(self, input: Input, names: list[str], min: int = 1) -> None:
            self.input, self.names, self.min = input, names, min

    class Input(Input):
        def __init__(
            self,
            id: str,
            template: Autogrow.TemplatePrefix | Autogrow.TemplateNames,
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
        ) -> None:
            super().__init__(id, display_name, optional, tooltip)
            self.template = template


class MultiType:
    io_type = "COMFY_MULTITYPED_V3"

    class Input(Input):
        def __init__(
            self,
            id: str | Input,
            types: list[type[ComfyType]],
            display_name: str | None = None,
            optional: bool = False,
            tooltip: str | None = None,
        ) -> None:
            super().__init__(id if isinstance(id, str) else id.id, display_name, optional, tooltip)
            self.types = types

        @property
        def io_type(self) -> str:
            return ",".join(kind.io_type for kind in self.types)


def Custom(io_type: str) -> type[ComfyType]:
    """A kind of wire of one's own."""

    class CustomType(ComfyType, io_type=io_type): ...

    return CustomType


@dataclass
class Schema:
    """What a node looks like."""

    node_id: str
    display_name: str | None = None
    category: str = "sd"
    inputs: list[Input] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)
    description: str = ""
    search_aliases: list[str] = field(default_factory=list)
    is_output_node: bool = False
    is_api_node: bool = False
    not_idempotent: bool = False
    accept_all_inputs: bool = False
    is_input_list: bool = False


@dataclass
class HiddenHolder:
    """What ComfyUI tells an output node unasked."""

    prompt: Any = None
    extra_pnginfo: Any = None


class ComfyNode:
    """Base of every node."""

    hidden: ClassVar[HiddenHolder] = None  # type: ignore[assignment]


class NodeOutput:
    """What a node gives back: its outputs in order, and what to show."""

    def __init__(self, *args: Any, ui: Any = None) -> None:
        self.args, self.ui = args, ui

    @property
    def result(self) -> tuple[Any, ...] | None:
        return self.args or None

    def __getitem__(self, index: int) -> Any:
        return self.args[index]
