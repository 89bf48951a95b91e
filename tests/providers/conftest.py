"""Both providers' clients, pointed at a scripted server, and requests for them to send."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from remote_video_pack.remote_video.models.comet_veo import COMET_VEO
from remote_video_pack.remote_video.models.request import Request
from remote_video_pack.remote_video.models.veo3 import VEO3
from remote_video_pack.remote_video.providers.client import Submission
from remote_video_pack.remote_video.providers.cometapi import CometApi
from remote_video_pack.remote_video.providers.runcomfy import RunComfy
from remote_video_pack.remote_video.timeouts import Timeouts
from remote_video_pack.remote_video.uploads import DataUri

from .scripted import ScriptedProvider, reply, says

KEY = "key-of-the-account"
HASTE = Timeouts(connect=2, request=5, submission=1)


@pytest.fixture
def server() -> Iterator[ScriptedProvider]:
    with ScriptedProvider([reply(500, b"no script")]) as running:
        yield running


@pytest.fixture
def proxy() -> Iterator[ScriptedProvider]:
    with ScriptedProvider([says({"via": "proxy"})]) as running:
        yield running


@pytest.fixture
def runcomfy(server: ScriptedProvider) -> RunComfy:
    return RunComfy(server.origin, KEY, timeouts=HASTE)


@pytest.fixture
def comet(server: ScriptedProvider) -> CometApi:
    return CometApi(f"{server.origin}/v1", KEY, timeouts=HASTE)


def picture(height: int = 64, width: int = 96, shade: float = 0.5) -> torch.Tensor:
    """One IMAGE whose pixels differ from place to place."""
    image = torch.linspace(0, 1, height * width * 3).reshape(1, height, width, 3)
    return (image + shade) / 2


@pytest.fixture
def veo_request() -> Request:
    return VEO3.request({"image": picture(), "prompt": "a wave"})


@pytest.fixture
def comet_request() -> Request:
    return COMET_VEO.request({"prompt": "a wave", "image": picture(), "last_image": picture(shade=0.1)})


@pytest.fixture
def submission(runcomfy: RunComfy, veo_request: Request) -> Submission:
    """A RunComfy submission, ready to leave."""
    return runcomfy.prepare(veo_request, DataUri())


@pytest.fixture
def comet_submission(comet: CometApi, comet_request: Request) -> Submission:
    """A CometAPI submission, ready to leave."""
    return comet.prepare(comet_request, DataUri())
