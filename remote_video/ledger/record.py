"""One job as the ledger keeps it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from .lifecycle import ON_RUN, Action, State

SANDBOX = "sandbox"
"""The base of every job of the sandbox that runs in this process."""


Fact = str | float | None
"""What a column of a job holds."""
Facts = dict[str, Fact]
"""What was learnt of a job, by the names of `JobRecord`."""


@dataclass(frozen=True)
class NewJob:
    """What is known of a job before it is submitted."""

    provider: str
    """Which provider, in people's words."""
    base: str
    """Its base URL, or "sandbox"."""
    model_id: str
    """The provider's id of the model."""
    model_name: str
    """The model in people's words."""
    seed: int
    """The seed, or the number that only tells takes apart."""
    node_id: str = ""
    """The node that asked first."""
    request_digest: str = ""
    """What is asked for, without the account: the same under every key of the provider. Empty when not known."""
    account: str | None = None
    """Whose job it is, as `Ledger.account_tag` names the account; None in records of earlier versions."""
    output_folder: str | None = None
    """Where its clip is saved, or was last, absolute; None in records of earlier versions."""
    filename_prefix: str | None = None
    """What the clip is called below that folder, time words already expanded."""
    sidecar: str | None = None
    """JSON text to be saved beside the clip; dropped when the clip is stored."""
    file_digest: str | None = None
    """As `request_digest`, by the bytes of the image files in place of their pixels; None when those aren't known."""
    uploads: str | None = None
    """Names of the images that were put where the provider can read them, spaces between; None when none were."""
    estimate_usd: float | None = None
    """What it was to cost by the catalogue's price; None when that couldn't be said."""
    assumed_usd: float | None = None
    """What it counts as in a budget while neither its cost nor an estimate is known; None when nothing is assumed."""
    stand_in: int | None = None
    """1: made by a separate sandbox, so that it costs nothing."""
    prompt: str | None = None
    """Its first words, for searching; None without any, or in records of earlier versions."""
    workflow_id: str | None = None
    """The workflow whose node `node_id` is; None where it has no id of its own, or in records of earlier versions."""
    host: str | None = None
    """The machine it was asked for on; None in records of earlier versions."""
    asked_by: str | None = None
    """Who asked, as that machine or `REMOTE_VIDEO_USER` names them; None in records of earlier versions."""

    @property
    def sandbox(self) -> bool:
        """Whether it is a sandbox clip, whose figures are no money."""
        return self.base == SANDBOX or bool(self.stand_in)


MAX_FILES = 16
"""Of one job."""


@dataclass(frozen=True)
class OtherFile:
    """A file that a job brought besides its clip: a further video, or a picture."""

    number: int
    """Its place among the files the provider names, from 1."""
    path: str | None = None
    """Relative to the output folder, as the clip's is; None while it is not here."""
    bytes: int | None = None
    sha256: str | None = None
    """Hex."""
    trouble: str | None = None
    """Why it could not be downloaded."""
    is_gone: bool = False
    """Whether a retry is useless."""

    @property
    def is_due(self) -> bool:
        """Whether it still has to be collected."""
        return self.path is None and not self.is_gone


def kept_others(others: Iterable[OtherFile]) -> str | None:
    """As the ledger keeps them."""
    told = [asdict(other) for other in others]
    return json.dumps(told) if told else None


@dataclass(frozen=True, kw_only=True)
class JobRecord(NewJob):
    """A row of the ledger: what was asked for, and what became of it.

    Times are seconds since the epoch; None is "not yet" or "not known".
    """

    key: str
    """The job key: what makes two runs the same clip."""
    state: State
    """Where it is; see `lifecycle`."""
    attempt: int
    """How often it was submitted: more than 1 only after a refusal or a job that ended without a clip."""
    request_id: str | None
    """The provider's id, for its support."""
    created_at: float
    """When it was first asked for."""
    submitted_at: float | None
    """When the provider accepted it."""
    finished_at: float | None
    """When it was seen to be done, well or badly."""
    path: str | None
    """The saved clip, relative to `output_folder`; absolute in records of earlier versions."""
    part_path: str | None
    """The partial download, if there is one; relative as `path` is."""
    part_validator: str | None
    """The strong ETag or Last-Modified of the partial download, for If-Range."""
    bytes: int | None
    """Size of the saved clip."""
    sha256: str | None
    """Hash of the saved clip, hex."""
    others: str | None
    """JSON of the other files that the job brought, see `other_files`; None when there are none, or in records of
    earlier versions."""
    cost_usd: float | None
    """What it cost, when the provider says."""
    error: str | None
    """What went wrong, in the provider's words where there are any."""
    error_kind: str | None
    """The class of that error in `errors`."""
    earlier_usd: float | None = None
    """What earlier attempts cost, or may have cost, that ended without a clip."""
    starred: int | None = None
    """1: starred, shown before the other takes of its node."""
    saved_on: str | None = None
    """The machine that has its files; None in records of earlier versions."""
    shared_in: str | None = None
    """The clip store that has its files, without what opens it; None while they are on `saved_on` alone."""

    @property
    def asker(self) -> str:
        """Who asked for it and where, as "user@host"; empty when that isn't known."""
        return "@".join(filter(None, (self.asked_by, self.host)))

    def asker_seen_at(self, host: str, *, is_shared: bool) -> str | None:
        """The same for who looks at it on a machine: None for what that machine asked for by a ledger of its own."""
        return (self.asker or None) if is_shared or self.host not in (None, host) else None

    @property
    def clip_path(self) -> Path | None:
        """The saved clip where it was saved, to be shown: it may be gone, or be anybody's by now."""
        return Path(self.output_folder or "", self.path) if self.path else None

    @property
    def other_files(self) -> tuple[OtherFile, ...]:
        """What the job brought besides the clip; none where the ledger holds something else."""
        try:
            found = tuple(OtherFile(**fields) for fields in json.loads(self.others or "[]"))
        except (ValueError, TypeError, RecursionError):
            return ()
        return found if all(map(_is_sound, found)) else ()

    @property
    def other_paths(self) -> tuple[Path, ...]:
        """Those that were saved, where they were saved, to be shown."""
        return tuple(Path(self.output_folder or "", other.path) for other in self.other_files if other.path)

    @property
    def was_saved(self) -> bool:
        """Whether its clip was saved once, wherever it is now."""
        return self.sha256 is not None and self.bytes is not None

    @property
    def is_stored(self) -> bool:
        """Whether its clip was saved."""
        return self.state is State.STORED


def on_run(record: JobRecord | None) -> Action:
    """What pressing Run does for a job; None is one that isn't there."""
    return ON_RUN[record.state if record else None]


def _is_sound(other: OtherFile) -> bool:
    """A ledger can come from elsewhere."""
    is_text = all(isinstance(text, str | None) for text in (other.path, other.sha256, other.trouble))
    is_number = type(other.number) is int and 0 < other.number <= MAX_FILES + 1
    return is_text and is_number and isinstance(other.bytes, int | None)
