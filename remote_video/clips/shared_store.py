"""Where the clips of several machines are kept: each file under the hash of its bytes, so that it can be proven.

    <prefix>/<first two digits>/<SHA-256, hex>

What is there is never written over, but for what is not what its name says. A folder (`file://`) needs no library;
buckets are reached through obstore, the Python side of Apache's object_store, which brings S3, Google Cloud Storage
and Azure in one wheel. It was chosen after three were tried with a clip of 200 MB: s3fs (fsspec) wants a botocore that
breaks the boto3 of the `s3` transport and grew by 400 MB; cloudpathlib grew by 30, knows no folders, imports in 0.6 s
and needs another SDK for each kind of store; obstore grew by 27 MB, imports in 0.03 s and needs no other package.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from ..timeouts import Timeouts
from .digest import sha256
from .store_url import FOLDER, store_url

READS = 2
"""Bytes that are wrong so often in a row are wrong in the store, and not on their way."""
_PROBE = b"Remote Video has tried whether it can write here. This may be deleted.\n"


class StoreTrouble(Exception):
    """The store can't be used now; in words that may be shown."""


class NotInStore(Exception):
    """The store does not have that file."""


class WrongObject(Exception):
    """What the store has under that hash is something else."""


class NotTheFile(Exception):
    """A local file is not, or no longer, the one that should be uploaded."""


class Objects(Protocol):
    """Named bytes. Every method raises StoreTrouble when it can't know."""

    def size(self, name: str) -> int | None:
        """Of one that is there, bytes."""
        ...

    def put(self, name: str, file: Path) -> None:
        """Keep a file's bytes: all of them or nothing, at once, in place of what is there."""
        ...

    def pieces(self, name: str, size: int) -> Iterator[bytes]:
        """Its bytes, a few MB at a time; their number is known. Raises NotInStore."""
        ...

    def delete(self, name: str) -> None:
        """Let go of one that may be there."""
        ...


class SharedStore:
    """Files under their hashes. From any thread; every method blocks for a bounded time.

    Args:
        shown: where, without what opens it.
    """

    def __init__(self, shown: str, objects: Objects) -> None:
        self.shown = shown
        self._objects = objects

    def has(self, digest: str, size: int) -> bool:
        """Whether a file is there, as far as its size tells. Raises StoreTrouble."""
        return self._objects.size(_name(digest)) == size

    def is_there(self, digest: str) -> bool:
        """Whether there is anything under a hash. Raises StoreTrouble."""
        return self._objects.size(_name(digest)) is not None

    def put(self, digest: str, size: int, file: Path, *, replace: bool = False) -> None:
        """Keep a file, unless it is there already.

        Args:
            digest: SHA-256, hex.
            size: bytes.
            replace: what is there was proven to be something else.

        Raises:
            NotTheFile: it is not the one of that hash and size.
            StoreTrouble: not this time.
        """
        if not replace and self.has(digest, size):
            return
        try:
            is_it = file.stat().st_size == size and sha256(file) == digest
        except OSError as error:
            raise NotTheFile(str(error)) from error
        if not is_it:
            raise NotTheFile(f"{file.name} is not what was saved")
        self._objects.put(_name(digest), file)
        if not self.has(digest, size):
            raise StoreTrouble("it says that it took a file, and then doesn't have it")

    def fetch(self, digest: str, size: int, into: BinaryIO, progressed: Callable[[int], None]) -> None:
        """Write a file's bytes, and prove that they are its.

        Args:
            into: empty, and can be begun anew.
            progressed: told how many there are so far; whatever it raises ends the fetch.

        Raises:
            NotInStore, WrongObject, StoreTrouble.
        """
        found = self._objects.size(_name(digest))
        if found is None:
            raise NotInStore(digest)
        if found != size:
            raise WrongObject(f"it has {found:,} bytes in place of {size:,}")
        for _ in range(READS):
            into.seek(0)
            into.truncate()
            if self._copied(digest, size, into, progressed) == digest:
                return
        raise WrongObject("its bytes are not those that were put there")

    def _copied(self, digest: str, size: int, into: BinaryIO, progressed: Callable[[int], None]) -> str:
        hashed, have = hashlib.sha256(), 0
        for piece in self._objects.pieces(_name(digest), size):
            hashed.update(piece)
            into.write(piece)
            have += len(piece)
            progressed(have)
        return hashed.hexdigest()

    def drop(self, digest: str) -> None:
        """Let go of what was proven to be wrong. Raises StoreTrouble."""
        self._objects.delete(_name(digest))

    def probe(self, folder: Path) -> str:
        """Write, read and delete a few bytes; what could be done.

        Args:
            folder: for a file of this machine.

        Raises:
            StoreTrouble: they can't be written or read.
        """
        name, file = uuid.uuid4().hex, folder / "clip-store-probe"
        file.write_bytes(_PROBE + name.encode())
        name = f"probe/{name}"
        self._objects.put(name, file)
        try:
            read = b"".join(self._objects.pieces(name, file.stat().st_size))
        except NotInStore:
            read = b""
        if read != file.read_bytes():
            raise StoreTrouble("it gives back something else than was written")
        try:
            self._objects.delete(name)
        except StoreTrouble as trouble:
            return f"written and read, but not deleted: {trouble}"
        return "written, read and deleted"


def open_store(url: str, timeouts: Timeouts) -> SharedStore:
    """The store of a URL. Nothing is asked of it yet. Raises SettingsError: no such store can be."""
    known = store_url(url)
    if known.kind == FOLDER:
        from .store_folder import FolderObjects

        return SharedStore(known.shown, FolderObjects(Path(known.place)))
    from .store_bucket import BucketObjects

    return SharedStore(known.shown, BucketObjects(known, timeouts))


def _name(digest: str) -> str:
    return f"{digest[:2]}/{digest}"
