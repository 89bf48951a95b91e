"""What happens in each case of the matrix, look by look; many cases at once, since they mostly wait."""

from __future__ import annotations

import asyncio
import hashlib
import pickle
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from remote_video_pack.remote_video.engine import tools
from remote_video_pack.remote_video.ledger.ledger import Forgotten
from remote_video_pack.remote_video.ledger.lifecycle import State
from remote_video_pack.remote_video.sandbox import Pace

from .expected import STILL_RUNNING, Afterwards
from .fault_cases import COMETAPI, RESULT, Case
from .fault_runner import DEADLINE_S, CaseRunner, Ending, runners
from .one_job import RecordingAsker, until, wait_until

SIDE_BY_SIDE = 14
AT_ONCE = Pace(0.02, 0.02)
QUEUED = Pace(DEADLINE_S, 0.02)
"""For a job that stays in the queue until it is let out."""
SHORT_DEADLINE_S = 0.3
"""For looks that nothing but their deadline ends; many times what the engine waits between two questions."""
KEY = "canary-key-of-the-fault-matrix"


@dataclass(frozen=True)
class CaseRun:
    """Up to three looks at one clip: with the fault, without it, and without it once more."""

    endings: tuple[Ending, ...]
    cancelled_at_server: bool
    """Whether the first accepted job was cancelled when the first look had ended."""
    clips: list[str]
    """SHA-256 of every file under a final name."""
    left_over: list[str]
    """Names of all other files in the output folder."""
    keys_elsewhere: int
    """Requests outside the providers' own APIs that carried the key."""

    @property
    def first(self) -> Ending:
        return self.endings[0]

    @property
    def second(self) -> Ending:
        return self.endings[1]

    @property
    def third(self) -> Ending | None:
        return self.endings[2] if len(self.endings) > 2 else None

    @property
    def heard(self) -> str:
        """All that was said to the user, error texts among it."""
        return "\n".join(text for ending in self.endings for text in (str(ending.error), *ending.heard))


Tell = Callable[[Case, CaseRunner], Awaitable[CaseRun]]


class CaseRuns:
    """Tells the cases side by side, once: when several processes run the tests, each tells what no other has begun.

    Args:
        shelf: a folder that all of them share; what happened is kept there.
        folder: of this process alone.
        ledger_url: of the database that all jobs are in; None for files.
    """

    def __init__(
        self,
        shelf: Path,
        folder: Path,
        clip: bytes,
        cases: Iterable[Case],
        tell: Tell,
        ledger_url: str | None = None,
    ) -> None:
        self._shelf = shelf
        with pytest.MonkeyPatch.context() as patch, runners(folder, SIDE_BY_SIDE, clip, AT_ONCE, ledger_url) as made:
            patch.setenv("RUNCOMFY_API_TOKEN", KEY)
            patch.setenv("COMETAPI_KEY", KEY)
            patch.setattr(tools, "QUESTIONS_PER_S", 5000.0)
            asyncio.run(self._tell_all(made, cases, tell))

    def of(self, case: Case) -> CaseRun:
        """Raises what the telling raised."""
        told = wait_until(lambda: self._kept(case), f"{case.id} to be told")
        if isinstance(told, Exception):
            raise told
        return told

    async def _tell_all(self, made: list[CaseRunner], cases: Iterable[Case], tell: Tell) -> None:
        left = iter(sorted(cases, key=lambda case: not case.is_slow))

        async def work(runner: CaseRunner) -> None:
            for case in left:
                if self._is_mine(case):
                    try:
                        await asyncio.to_thread(self._keep, case, await tell(case, runner))
                    except Exception as error:
                        self._keep(case, error)

        await asyncio.gather(*map(work, made))

    def _is_mine(self, case: Case) -> bool:
        try:
            self._file(case, "begun").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def _keep(self, case: Case, told: CaseRun | Exception) -> None:
        part = self._file(case, "part")
        part.write_bytes(pickle.dumps(told))
        part.rename(self._file(case, "told"))

    def _kept(self, case: Case) -> CaseRun | Exception | None:
        file = self._file(case, "told")
        return pickle.loads(file.read_bytes()) if file.exists() else None

    def _file(self, case: Case, suffix: str) -> Path:
        return self._shelf / f"{case.id.replace(':', '.')}.{suffix}"


def selected(request: pytest.FixtureRequest) -> list[Case]:
    """The cases that this session will look at, of the test file that asks."""
    here = [item for item in request.session.items if item.path == request.path and hasattr(item, "callspec")]
    return list({case.id: case for item in here if (case := item.callspec.params.get("case"))}.values())


async def run_with_and_without(case: Case, runner: CaseRunner) -> CaseRun:
    """Run with the fault, run without it; where only the user can decide, forget the job and run again."""
    await asyncio.to_thread(runner.begin, case.provider, is_stalled=case.is_stalled)
    if (case.provider, case.step) == (COMETAPI, RESULT):
        await _finish_without_a_clip(runner)
    for route, fault, on_call in case.beside:
        runner.sandbox.faults.set(route, fault, on_call=on_call)
    runner.sandbox.faults.set(case.route, case.fault, on_call=1 if case.passing else None, **case.options)
    if case.outcome is STILL_RUNNING:
        await runner.until_accepted()
        endings = [await runner.look(timeout_s=SHORT_DEADLINE_S)]
    else:
        endings = [await runner.look()]
    await asyncio.to_thread(runner.sandbox.faults.clear)
    endings.append(await runner.look())
    if case.outcome.afterwards is Afterwards.ASKS_USER and endings[1].record is not None:
        key = endings[1].record.key
        await until(lambda: runner.ledger.forget(key) is Forgotten.DONE, "the job to be forgotten")
        endings.append(await runner.look())
    return await asyncio.to_thread(_case_run, runner, endings)


async def stop_in_the_queue(case: Case, runner: CaseRunner) -> CaseRun:
    """Press Stop while the job is queued and the answer to the cancel is at fault; then run again."""
    await asyncio.to_thread(runner.begin, case.provider, is_stalled=case.is_stalled)
    runner.sandbox.keep_pace(QUEUED)
    runner.sandbox.faults.set(case.route, case.fault, **case.options)
    asker = RecordingAsker()
    asker.at_line = lambda line: asker.stop.set() if "in the queue" in line or "asking again" in line else None
    stopped = await runner.look(asker)
    await until(lambda: what_became_of_it(asker.lines), "the asker to be told what became of the job")
    asker.stop.clear()
    cancelled = any(job.cancelled_at is not None for job in runner.sandbox.jobs[-1:])
    if cancelled:
        await until(lambda: (record := runner.record()) and record.state is State.CANCELLED, "the ledger to know")
    endings = [await asyncio.to_thread(runner.ending, None, stopped.error, asker)]
    await asyncio.to_thread(runner.sandbox.faults.clear)
    await asyncio.to_thread(runner.sandbox.keep_pace, AT_ONCE)
    endings.append(await runner.look())
    return await asyncio.to_thread(_case_run, runner, endings, cancelled)


def what_became_of_it(lines: Iterable[str]) -> str:
    """What a asker was told after Stop about its job; empty while it wasn't."""
    told = [line for line in lines if line.startswith("Stopped") and "finding out" not in line]
    return told[-1] if told else ""


async def _finish_without_a_clip(runner: CaseRunner) -> None:
    for route in ("media", "comet/content"):
        runner.sandbox.faults.set(route, "media-404")
    await runner.look()
    await asyncio.to_thread(runner.sandbox.faults.clear)


def _case_run(runner: CaseRunner, endings: list[Ending], cancelled: bool = False) -> CaseRun:
    seed, folder = runner.seed, runner.output / "video"
    files = [path for path in folder.iterdir() if path.name.lstrip(".").startswith((f"{seed}_", f"{seed}."))]
    clips = [path for path in files if path.suffix == ".mp4"]
    elsewhere = [r for r in runner.requests if not r.path.startswith(("/runcomfy/", "/cometapi/"))]
    return CaseRun(
        endings=tuple(endings),
        cancelled_at_server=cancelled,
        clips=[hashlib.sha256(path.read_bytes()).hexdigest() for path in clips],
        left_over=[path.name for path in files if path not in clips],
        keys_elsewhere=sum("authorization" in request.headers for request in elsewhere),
    )
