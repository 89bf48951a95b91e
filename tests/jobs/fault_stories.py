"""What happens in each case of the matrix, run by run; many cases at once, since they mostly wait."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from remote_video_pack.remote_video.errors import JobCancelled
from remote_video_pack.remote_video.sandbox import Pace

from .expected import Afterwards
from .fault_cases import COMETAPI, DEADLINE_S, RESULT, Case
from .fault_stage import Ending, Seat, Stage, new_request, stages

SIDE_BY_SIDE = 14
KEY = "canary-key-of-the-fault-matrix"


@dataclass(frozen=True)
class Story:
    """Up to three runs of one request: with the fault, without it, and without it once more."""

    endings: tuple[Ending, ...]
    cancelled_at_server: bool
    """Whether the first accepted job was cancelled when the first run had ended."""
    clips: list[str]
    """SHA-256 of every file under a final name."""
    left_over: list[str]
    """Names of all other files in the output folder."""
    keys_elsewhere: int
    """Requests outside the providers' own APIs that carried the key."""
    heard: str
    """All that was said to the user, error texts among it."""

    @property
    def first(self) -> Ending:
        return self.endings[0]

    @property
    def second(self) -> Ending:
        return self.endings[1]

    @property
    def third(self) -> Ending | None:
        return self.endings[2] if len(self.endings) > 2 else None


Tell = Callable[[Case, Stage], Awaitable[Story]]


class Stories:
    """Tells the cases side by side, once, and keeps what happened."""

    def __init__(self, folder: Path, clip: bytes, cases: Iterable[Case], tell: Tell, pace: Pace) -> None:
        self._told: dict[str, Story | Exception] = {}
        with pytest.MonkeyPatch.context() as environment, stages(folder, SIDE_BY_SIDE, clip, pace) as made:
            environment.setenv("RUNCOMFY_API_TOKEN", KEY)
            environment.setenv("COMETAPI_KEY", KEY)
            asyncio.run(self._tell_all(made, cases, tell))

    def of(self, case: Case) -> Story:
        """Raises what the telling raised."""
        told = self._told[case.id]
        if isinstance(told, Exception):
            raise told
        return told

    async def _tell_all(self, made: list[Stage], cases: Iterable[Case], tell: Tell) -> None:
        left = iter(cases)

        async def work(stage: Stage) -> None:
            for case in left:
                try:
                    self._told[case.id] = await tell(case, stage)
                except Exception as error:
                    self._told[case.id] = error

        await asyncio.gather(*map(work, made))


def selected(request: pytest.FixtureRequest) -> list[Case]:
    """The cases that this session will look at, of the test file that asks."""
    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    return list({case.id: case for item in here if (case := item.callspec.params.get("case"))}.values())


async def run_with_and_without(case: Case, stage: Stage) -> Story:
    """Run with the fault, run without it; where only the user can decide, forget the job and run again."""
    request = new_request(case.provider)
    await asyncio.to_thread(stage.clear)
    if (case.provider, case.step) == (COMETAPI, RESULT):
        await _finish_without_a_clip(stage, request)
    for route, fault, on_call in case.beside:
        stage.sandbox.faults.set(route, fault, on_call=on_call)
    stage.sandbox.faults.set(case.route, case.fault, on_call=1 if case.passing else None, **case.options)
    endings = [await stage.run(request, timeout_s=case.deadline_s)]
    await asyncio.to_thread(stage.sandbox.faults.clear)
    endings.append(await stage.run(request))
    if case.outcome.afterwards is Afterwards.ASKS_USER and endings[1].record is not None:
        await asyncio.to_thread(stage.ledger.forget, endings[1].record.key)
        endings.append(await stage.run(request))
    return await asyncio.to_thread(_story, stage, request.take, endings)


async def stop_in_the_queue(case: Case, stage: Stage) -> Story:
    """Press Stop while the job is queued and the answer to the cancel is at fault; then run again, twice if needed."""
    request = new_request(case.provider)
    await asyncio.to_thread(stage.clear)
    stage.sandbox.faults.set(case.route, case.fault, **case.options)
    seat = Seat(stop_when=lambda text: "in the queue" in text or "asking again" in text)
    endings = [await stage.run(request, seat=seat)]
    cancelled = any(job.cancelled_at is not None for job in stage.sandbox.jobs[-1:])
    await asyncio.to_thread(stage.sandbox.faults.clear)
    endings.append(await stage.run(request))
    if isinstance(endings[1].error, JobCancelled):
        endings.append(await stage.run(request))
    return await asyncio.to_thread(_story, stage, request.take, endings, cancelled)


async def _finish_without_a_clip(stage: Stage, request) -> None:
    for route in ("media", "comet/content"):
        stage.sandbox.faults.set(route, "media-404")
    await stage.run(request, timeout_s=DEADLINE_S)
    await asyncio.to_thread(stage.sandbox.faults.clear)


def _story(stage: Stage, take: int, endings: list[Ending], cancelled: bool = False) -> Story:
    files = [path for path in (stage.output / "video").iterdir() if path.name.lstrip(".").startswith(f"{take}_")]
    files += [path for path in (stage.output / "video").iterdir() if path.name.startswith(f".{take}.")]
    clips = [path for path in files if path.suffix == ".mp4"]
    elsewhere = [r for r in stage.requests if not r.path.startswith(("/runcomfy/", "/cometapi/"))]
    return Story(
        endings=tuple(endings),
        cancelled_at_server=cancelled,
        clips=[hashlib.sha256(path.read_bytes()).hexdigest() for path in clips],
        left_over=[path.name for path in files if path not in clips],
        keys_elsewhere=sum("authorization" in request.headers for request in elsewhere),
        heard="\n".join(str(ending.error) for ending in endings),
    )
