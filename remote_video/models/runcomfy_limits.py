"""What RunComfy asks of any file it is sent, whatever the model.

Its page on file inputs says: images up to 50 MB, videos up to 100 MB.
MB is read as 10^6 bytes, the smaller of its two meanings.
"""

from __future__ import annotations

from ..media.fit import ImageLimits

MAX_IMAGE_BYTES = 50_000_000
MAX_VIDEO_BYTES = 100_000_000

ANY_IMAGE = ImageLimits(max_bytes=MAX_IMAGE_BYTES)
"""For models whose own contract says nothing about the image's size."""
