"""The engine of Remote Video: plain Python that knows nothing of ComfyUI.

Read in this order it is the life of a clip: `models` (what a model accepts), `media` (pixels and frames),
`uploads` (how the provider gets to see an image), `providers` (the wire), `jobs` (what was paid for).
`sandbox` stands in for both providers on loopback.
"""

from .audible import audible

audible("remote_video")
