"""What is asked of a model, complete and checked: after this point nothing can find the input bad."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from ..media.encoded import EncodedMedia
from ..media.fit import ImageLimits, Plan, Size

if TYPE_CHECKING:
    from .spec import ModelSpec


class Image:
    """A fitted image, waiting in a request's body for its file or its address.

    Equal images are one object, however many nodes hold it; once its file is made the pixels go. Make it by `of`.
    """

    def __init__(self, pixels: NDArray[np.uint8], limits: ImageLimits, digest: str, *, lossless: bool = False) -> None:
        self.limits = limits
        self.lossless = lossless
        """Whether its file must hold every pixel as it is."""
        self.digest = digest
        """SHA-256 of the pixels and their shape, hex: the encoded bytes don't matter to what is asked."""
        self.shape: tuple[int, ...] = pixels.shape
        """[H, W, 3], px."""
        self._pixels: NDArray[np.uint8] | None = pixels
        self._encoded: EncodedMedia | None = None
        self._encoding = threading.Lock()

    @classmethod
    def of(cls, pixels: NDArray[np.uint8], limits: ImageLimits, *, lossless: bool = False) -> Image:
        """The one object for these pixels, `uint8 [H, W, 3]`, under these limits."""
        pixels = np.ascontiguousarray(pixels)
        digest = hashlib.sha256(repr(pixels.shape).encode() + pixels.data).hexdigest()
        with _images_lock:
            new = cls(pixels, limits, digest, lossless=lossless)
            return _images.setdefault((digest, limits, lossless), new)

    def encode(self) -> EncodedMedia:
        """The image as PNG or JPEG, within the model's limits. Raises InputRefused."""
        from ..media.encode import encode_image

        with self._encoding:
            if self._encoded is None and self._pixels is not None:
                self._encoded = encode_image(self._pixels, self.limits, lossless=self.lossless)
                self._pixels = None
        if self._encoded is None:
            raise RuntimeError("an image has pixels or a file")
        return self._encoded


_images: WeakValueDictionary[tuple[str, ImageLimits, bool], Image] = WeakValueDictionary()
_images_lock = threading.Lock()


@dataclass(frozen=True)
class Recording:
    """A file waiting in a request's body, to be sent as it is."""

    mime: ClassVar[str]
    data: bytes = field(repr=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file, hex."""
        return hashlib.sha256(self.data).hexdigest()

    def encode(self) -> EncodedMedia:
        """The file as it is."""
        return EncodedMedia(self.data, self.mime)


class Video(Recording):
    """An MP4 file."""

    mime = "video/mp4"


class Audio(Recording):
    """A WAV file."""

    mime = "audio/wav"


Media = Image | Recording


@dataclass(frozen=True)
class Request:
    """One clip, asked for.

    Args:
        model: whose contract it keeps.
        body: the provider's input object by wire name; files stand in it as `Image`, `Video` and `Audio`.
        seed: it tells two otherwise equal requests apart even where the model has no seed.
        notices: what was changed about the inputs, for the user.
        files: for each image of the body, the SHA-256 of the file it was loaded from and nothing else, hex; empty
            unless that is known of all of them.
        fit: what was done to make the images fit.
        seconds: how long the clip will be, s; None when nobody can say.
        plans: what became of each image, by what it is called.
        canvas: the size the clip is rendered at, px; None: the first image's own.
        file_notices: what making their files gave up, once `encode` has made them.
    """

    model: ModelSpec
    body: Mapping[str, object]
    seed: int
    notices: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    fit: str = "auto"
    seconds: float | None = None
    plans: Mapping[str, Plan] = field(default_factory=dict, compare=False)
    canvas: Size | None = None
    file_notices: list[str] = field(default_factory=list, compare=False)

    @property
    def model_id(self) -> str:
        """The provider's id of the model that is asked for; of the one that is named, where a route serves several."""
        named = self.model.asked_of(self.body)
        return f"{self.model.provider}/{named}" if named else self.model.model_id

    @property
    def model_name(self) -> str:
        """That model in people's words."""
        named = self.model.asked_of(self.body)
        return f"{self.model.name}: {named}" if named else self.model.name

    @property
    def prompt(self) -> str:
        """The words that are sent; empty without any."""
        wires = [field.wire for field in self.model.fields if field.name == "prompt"]
        words = self.body.get(wires[0]) if wires and wires[0] else None
        return words if isinstance(words, str) else ""

    def key(self, base: str, account_tag: str) -> str:
        """The job key: SHA-256 over all that makes two requests the same clip, hex.

        Args:
            base: the provider's base URL, or one word for every sandbox.
            account_tag: tells accounts apart without holding a key.
        """
        return _hash({"base": base, "account": account_tag, **self._asked()}, _digest)

    def file_digest(self, base: str) -> str | None:
        """What is asked for, without the account, by the files the images come from rather than by their pixels, hex.

        The same file may be read as other pixels by another version of the host. None when the files aren't known.
        """
        if not self.files:
            return None
        fit = "auto" if self.fit == "strict" else self.fit
        return _hash({"base": base, **self._asked(), "files": self.files, "fit": fit}, _any_image)

    def _asked(self) -> dict[str, object]:
        return {"model": self.model.model_id, "body": self.body, "take": self.seed}

    def encode(self) -> None:
        """Make the files of all images now, and let their pixels go. Blocks. Raises InputRefused."""
        notices = [notice for media in self.media() for notice in media.encode().notices]
        self.file_notices[:] = dict.fromkeys(notices)

    def media(self) -> Iterator[Media]:
        """The files of the body, in order."""
        yield from _media_in(self.body)


def _hash(asked: Mapping[str, object], default: Callable[[object], object]) -> str:
    text = json.dumps(asked, sort_keys=True, separators=(",", ":"), default=default)
    return hashlib.sha256(text.encode()).hexdigest()


def _any_image(media: object) -> object:
    return "image" if isinstance(media, Image) else _digest(media)


def _digest(media: object) -> dict[str, str]:
    if isinstance(media, (Image, Recording)):
        return {type(media).__name__.lower(): media.digest}
    raise TypeError(f"{type(media).__name__} has no place in a request")


def _media_in(tree: object) -> Iterator[Media]:
    if isinstance(tree, (Image, Recording)):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _media_in(value)
    elif isinstance(tree, (list, tuple)):
        for value in tree:
            yield from _media_in(value)
