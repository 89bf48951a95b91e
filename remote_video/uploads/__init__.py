"""How the provider gets to see an image: in the request itself, from a bucket, or from this machine's own address."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ..errors import SettingsError
from ..outside_text import quoted
from ..settings import Settings, is_here
from .address import require_fetchable
from .data_uri import DataUri, DataUriBytes
from .public_origin import PublicOrigin
from .s3_presigned import S3Presigned

__all__ = ["DataUri", "DataUriBytes", "PublicOrigin", "S3Presigned", "Upload", "choose"]

PUBLIC_SUBFOLDER = "remote-video"


class Upload(Protocol):
    """One job's way of showing files to the provider. Its calls block; make them from a worker thread."""

    name: str

    def url_for(self, data: bytes, mime: str) -> str:
        """Make `data` readable at the URL given back. Raises UploadError when it can't be put there."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Of what was put out and is not removed."""
        ...

    def adopt(self, names: list[str]) -> None:
        """Take over what another run put out, to be removed with `discard`."""
        ...

    def discard(self) -> None:
        """Remove what was put out, after the job has ended. A failure is logged, never raised: the clip counts more."""
        ...


def choose(provider_id: str, settings: Settings, temp_folder: Path) -> Upload:
    """Give the transport that the settings name, fresh for one job.

    Args:
        provider_id: who has to see the images; one that takes them as files in the request itself needs no other way.
        settings: `uploads` names the transport.
        temp_folder: the host's temp folder, the one its /view address serves as type "temp".

    Raises:
        SettingsError: it isn't set up, or the provider could not fetch from where it points.
    """
    transport = settings.transport(provider_id)
    allow_loopback = is_here(settings.endpoint(provider_id))
    if transport == "s3":
        if settings.s3 is None:
            raise _not_set_up("s3", "REMOTE_VIDEO_S3_BUCKET", "the bucket's name")
        if settings.s3.endpoint_url:
            require_fetchable("REMOTE_VIDEO_S3_ENDPOINT", settings.s3.endpoint_url, allow_loopback)
        return S3Presigned(settings.s3)
    if transport == "public-origin":
        if settings.public_origin is None:
            raise _not_set_up("public-origin", "REMOTE_VIDEO_PUBLIC_ORIGIN", "this machine's address, https://host")
        require_fetchable("REMOTE_VIDEO_PUBLIC_ORIGIN", settings.public_origin, allow_loopback)
        return PublicOrigin(settings.public_origin, temp_folder, PUBLIC_SUBFOLDER)
    return DataUri()


def _not_set_up(transport: str, variable: str, meaning: str) -> SettingsError:
    return SettingsError(
        f"Images are to be sent by {quoted(transport)}, but {variable} is not set.",
        next_step=f"Set {variable} to {meaning} and restart ComfyUI, or choose in the accounts dialog "
        "(REMOTE_VIDEO_UPLOADS, where that is set) to send images inside the request.",
    )
