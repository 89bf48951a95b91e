"""The inputs that are pictures, videos and sounds: from a socket, or as an address where the model takes one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

from ..errors import InputRefused
from ..media.fit import ImageLimits
from ..web_address import NotAnAddress, web_address
from .fields import Field
from .fitting import Fitting
from .request import Audio, Image, Video

LONGEST_ADDRESS = 4096


@dataclass(frozen=True)
class MediaField(Field):
    """One file, or several where the model takes a list.

    Several are given as a mapping by socket name (their numbers are their order), or as a list.
    """

    required: bool = True
    takes_address: bool = False
    """Whether text is understood as a public https address."""
    is_list: bool = False
    """Whether the wire has a list under the name."""
    is_numbered: bool = False
    """Whether the wire has names with numbers in place of a list: image_url_1, image_url_2."""
    fewest: int = 0
    """When there are any."""
    most: int | None = 1
    """None when the model says no limit."""

    @property
    def takes_several(self) -> bool:
        """Whether more than one can be wired."""
        return self.most is None or self.most > 1

    @property
    def limits_text(self) -> str:
        if not self.takes_several:
            return ""
        if self.most is None:
            return f"At least {max(self.fewest, 1)} of them."
        return f"{self.fewest} to {self.most} of them." if self.fewest > 1 else f"Up to {self.most} of them."

    def write(self, body: dict[str, object], value: object, fitting: Fitting) -> None:
        """See `Field.write`. Raises InputRefused."""
        parts = self._parts(value)
        self._count(len(parts))
        if self.wire is None or not parts:
            return
        names = [self._named(number, len(parts)) for number in range(1, len(parts) + 1)]
        sent = [
            self.address(part, name) if isinstance(part, str) and self.takes_address else self.made(part, name, fitting)
            for part, name in zip(parts, names, strict=True)
        ]
        if self.is_numbered:
            body.update({f"{self.wire}_{number}": one for number, one in enumerate(sent, start=1)})
        elif self.is_list:
            before = body.get(self.wire)
            body[self.wire] = [*(before if isinstance(before, list) else ()), *sent]
        else:
            body[self.wire] = sent[0]

    def called(self, value: object) -> dict[str, str]:
        """What a socket's file is called in messages, by the socket's name; "" if there is only one."""
        if not isinstance(value, Mapping) or self.is_one(value):
            return {"": self.name}
        counts = {name: len(self._parts([value[name]])) for name in sorted(value, key=by_number)}
        before = dict(zip(counts, accumulate(counts.values(), initial=1), strict=False))
        whole = sum(counts.values())
        return {name: self._named(before[name], whole) for name, count in counts.items() if count == 1}

    def _named(self, number: int, count: int) -> str:
        """What one of them is called in messages. A # in the name is replaced by its number."""
        if "#" in self.name:
            return self.name.replace("#", str(number))
        return f"{self.name} {number}" if count > 1 else self.name

    def made(self, part: object, name: str, fitting: Fitting) -> object:
        """The value of one file in the request's body. Raises InputRefused."""
        raise NotImplementedError

    def split(self, part: object) -> Sequence[object]:
        """The files that came by one wire into a list."""
        return [part]

    def _parts(self, value: object) -> list[object]:
        if isinstance(value, Mapping):
            value = value if self.is_one(value) else in_order(value)
        wires = value if isinstance(value, (list, tuple)) else [value]
        given = [wire for wire in wires if wire is not None and not (isinstance(wire, str) and not wire.strip())]
        return [part for wire in given for part in self.split(wire)] if self.takes_several else given

    def is_one(self, value: Mapping[str, object]) -> bool:
        """Whether a mapping is one file, not several by name."""
        return False

    def _count(self, count: int) -> None:
        if count == 0 and self.required:
            raise self.refuse("not connected", "the model needs one", f"Connect {self.socket} to `{self.name}`.")
        if 0 < count < self.fewest:
            raise self.refuse(f"{count} of them", f"the model needs at least {self.fewest}", "Connect more of them.")
        if self.most is not None and count > self.most:
            much = f"Disconnect {count - self.most} of them."
            raise self.refuse(f"{count} of them", f"the model takes at most {self.most}", much)

    @property
    def socket(self) -> str:
        """What may be wired, for messages."""
        raise NotImplementedError

    def address(self, text: str, name: str) -> str:
        """A public https address as it stands in the body; `name` is for messages. Raises InputRefused."""
        address = text.strip()
        try:
            if len(address) > LONGEST_ADDRESS:
                raise NotAnAddress(f"it is longer than {LONGEST_ADDRESS:,} characters")
            if web_address(address, allow_query=True).scheme.lower() != "https":
                raise NotAnAddress("it does not begin with https://")
        except NotAnAddress as problem:
            # It is not quoted: an address can hold what opens a private file.
            raise InputRefused(
                f"`{name}` is a text, but not an address that the provider can read: {problem}.",
                next_step=f"Give a public https:// address, or connect {self.socket}.",
            ) from None
        return address


@dataclass(frozen=True)
class Picture(MediaField):
    """An IMAGE, as `pixels_of` takes it, and the limits of the model it goes to; a list takes batches."""

    limits: ImageLimits = ImageLimits()
    fills_canvas: bool = True
    """Whether `fit` crop and pad shape it to the clip; a reference picture keeps its own shape."""

    @property
    def socket(self) -> str:
        return "an IMAGE"

    @property
    def limits_text(self) -> str:
        return " ".join(filter(None, (super().limits_text, self.limits.sentence)))

    def made(self, part: object, name: str, fitting: Fitting) -> Image:
        """See `MediaField.made`."""
        return fitting.image(part, name, self.limits, fills_canvas=self.fills_canvas)

    def split(self, part: object) -> Sequence[object]:
        """The images of a batch."""
        shape: tuple[int, ...] = getattr(part, "shape", ())
        images: Any = part
        return [images[n : n + 1] for n in range(shape[0])] if len(shape) == 4 and shape[0] > 1 else [part]


@dataclass(frozen=True)
class Recording(MediaField):
    """A file that goes as it is."""

    max_bytes: int | None = None

    @property
    def limits_text(self) -> str:
        most = "" if self.max_bytes is None else f"At most {self.max_bytes / 1e6:g} MB."
        return " ".join(filter(None, (super().limits_text, most)))

    def _within(self, data: bytes, name: str) -> bytes:
        if self.max_bytes is not None and len(data) > self.max_bytes:
            raise InputRefused(
                f"`{name}` is {len(data):,} bytes as a file; the model takes at most {self.max_bytes:,}.",
                next_step="Trim or shrink it, or give it as a public https:// address, then run again.",
            )
        return data


@dataclass(frozen=True)
class Footage(Recording):
    """A video: the bytes of an MP4 file."""

    @property
    def socket(self) -> str:
        return "a VIDEO"

    def made(self, part: object, name: str, fitting: Fitting) -> Video:
        """See `MediaField.made`."""
        if not isinstance(part, bytes):
            raise self.refuse(f"a {type(part).__name__}", "it takes a video", f"Connect {self.socket}.")
        return Video(self._within(part, name))


@dataclass(frozen=True)
class Sound(Recording):
    """A sound: ComfyUI's AUDIO, `{"waveform": float32 [1, C, N], -1..1, "sample_rate": Hz}`, sent as WAV of 16 bits."""

    @property
    def socket(self) -> str:
        return "an AUDIO"

    def is_one(self, value: Mapping[str, object]) -> bool:
        """See `MediaField.is_one`."""
        return "waveform" in value

    def made(self, part: object, name: str, fitting: Fitting) -> Audio:
        """See `MediaField.made`."""
        from ..media.wav import wav_bytes

        if not isinstance(part, Mapping):
            raise self.refuse(f"a {type(part).__name__}", "it takes a sound", f"Connect {self.socket}.")
        return Audio(self._within(wav_bytes(part, name), name))


def in_order(sockets: Mapping[str, object]) -> list[object]:
    """What is wired, by the numbers of its sockets."""
    return [sockets[name] for name in sorted(sockets, key=by_number) if sockets[name] is not None]


def by_number(name: str) -> tuple[int, str]:
    """By the number at its end: element_10 comes after element_9."""
    number = re.search(r"[0-9]{1,9}$", str(name))
    return (int(number[0]) if number else 0, str(name))
