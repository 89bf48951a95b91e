"""What can go wrong, said the way an artist needs it: what happened, was it billed, what to do next.

Every message has the same four parts, in this order, so that a log line, a ComfyUI error card and a support
ticket all read alike. The provider's own words are quoted where there are any. One kind for each event:

RemoteVideoError
  before anything is sent
    SettingsError         a setting can't mean anything, or what it needs isn't there
    RequestRefused        the jobs panel or the command line was asked for what can't be
    InputRefused          an input breaks the model's contract
    ModelChanged          the model no longer takes what would be sent
    UploadError           an image could not be put where the provider would fetch it
    LedgerError           the record of paid jobs can't be written
    BudgetReached         it would cost more than the day's or the month's budget has left
  the provider's answer to a submission
    NotSent               the connection never opened
    RateLimited           turned away for now (429)
    AccountError          no key, or one the provider does not accept; also while a job is followed
    BalanceError          not enough money; also before anything is sent, where price and balance are known
    ModelGone             the model is no longer offered
    ModerationError       content moderation refused the input, or the result
    RefusedByProvider     any other definite no
    JobUncertain          it was sent and no answer came: a job may or may not exist
  the end of a job, or of a wait for it
    JobFailed             it failed at the provider
    JobCancelled          it was cancelled at the provider
    JobExpired            the provider no longer knows it, or its clip
    NoVideo               it was finished with pictures, and no video
    StillRunning          the deadline passed; the job goes on
  the clip
    DownloadError         it exists and could not be brought here this time
    MediaError            its file can't be decoded
    SizeChanges           nor its frames from one that has another size
    NotEnoughMemory       its frames don't fit into the free RAM
  a film of several clips
    FilmError             the disk doesn't take it; the clips are as they were
Stopped                   the user pressed Stop: not an error
"""

from __future__ import annotations

from enum import Enum
from typing import Any

from .outside_text import code as word
from .outside_text import line

MODERATION_OPENING = "Your request was flagged by our content moderation system"
"""ComfyUI's frontend shows a friendly card for messages that begin with these words."""


class Billed(Enum):
    """Whether the provider charged for what happened, as far as anybody can know."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"

    @property
    def sentence(self) -> str:
        """One sentence for an error message."""
        return _BILLED_SENTENCES[self]


_BILLED_SENTENCES = {
    Billed.NO: "Not billed.",
    Billed.YES: "The clip is paid for and will not be paid for again.",
    Billed.UNKNOWN: "Whether this was billed is not known here: look at the balance in the provider's account.",
}


class Action(Enum):
    """What a page can offer as a button beside an error. Programs that show no buttons leave it."""

    ACCOUNTS = "accounts"
    """Open the accounts dialog, where keys are."""
    BUDGET = "budget"
    """Open it, for the budget."""
    SANDBOX = "sandbox"
    """Make clips in the sandbox from now on."""
    JOB = "job"
    """Show the job in the jobs panel."""
    SUCCESSOR = "successor"
    """Take what the provider has in the model's place: one button for each of the error's `successors`."""
    LIST = "list"
    """Put the node before the input that makes a list of a batch."""
    SEED = "seed"
    """Set another seed."""
    RUN = "run"
    """Run the graph again."""
    HELP = "help"
    """Read what there is to set."""


class RemoteVideoError(Exception):
    """Something the user has to know.

    Args:
        what: what happened, in the provider's own words where there are any.
        billed: whether it cost money; each kind has its usual answer.
        next_step: what to do now; each kind has its usual advice.
        request_id: the provider's id of the job, when there is one.
        code: the provider's error code, when there is one (for programs; it is part of `what` for people).
        actions: which buttons take the next step; each kind has its usual ones.
    """

    usual_billed = Billed.NO
    usual_next_step = "Change the inputs and run again."
    usual_actions: tuple[Action, ...] = ()
    cost_usd: float | None = None
    """What the job cost all the same, where the provider says."""
    successors: tuple[str, ...] = ()
    """Ids of the models that the provider has in this one's place."""

    def __init__(
        self,
        what: str,
        *,
        billed: Billed | None = None,
        next_step: str | None = None,
        request_id: str | None = None,
        code: str | None = None,
        actions: tuple[Action, ...] | None = None,
    ) -> None:
        self.what = what = line(what)
        self.billed = billed or self.usual_billed
        self.next_step = line(next_step or self.usual_next_step)
        self.request_id = request_id and word(request_id)
        self.code = code and word(code)
        self.actions = self.usual_actions if actions is None else actions
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what, self.billed.sentence, f"Next: {self.next_step}"]
        if self.request_id:
            lines.append(f"Request id: {self.request_id}")
        return "\n".join(lines)


class SettingsError(RemoteVideoError):
    """A setting can't mean anything, or what it needs isn't there."""

    usual_next_step = "Correct the setting, then restart ComfyUI."
    usual_actions = (Action.HELP,)


class RequestRefused(RemoteVideoError):
    """The jobs panel, the accounts dialog or the command line was asked for what can't be."""

    usual_next_step = "Reload the page."


class InputRefused(RemoteVideoError):
    """An input breaks the model's contract; found here, before anything was sent."""


class ModelChanged(RemoteVideoError):
    """The provider publishes other inputs of the model now; found before anything was sent."""

    usual_next_step = "Change what is named above, or update Remote Video, then run again."


class UploadError(RemoteVideoError):
    """An image could not be put where the provider would fetch it; nothing was submitted."""

    usual_next_step = "Check the REMOTE_VIDEO_UPLOADS settings and the network, then run again."
    usual_actions = (Action.RUN, Action.HELP)


class AccountError(RemoteVideoError):
    """No key, or the provider does not accept the one there is."""

    usual_next_step = "Check the key in the Remote Video accounts dialog, then run again."
    usual_actions = (Action.ACCOUNTS,)


class BalanceError(RemoteVideoError):
    """The account has not enough money."""

    usual_next_step = "Top up the provider account, then run again: the same inputs will be submitted."
    usual_actions = (Action.RUN,)


class BudgetReached(RemoteVideoError):
    """The clip would cost more than the user's own budget has left, or may cost more; nothing was sent."""

    usual_next_step = "Raise the budget, then run again."
    usual_actions = (Action.BUDGET,)


class ModerationError(RemoteVideoError):
    """The provider's content moderation refused the input or the result."""

    usual_billed = Billed.UNKNOWN
    usual_next_step = "Change the prompt or the image and run again."

    def __init__(self, what: str, **parts: Any) -> None:
        known = what.startswith(MODERATION_OPENING)
        super().__init__(what if known else f"{MODERATION_OPENING}. The provider says: {what}", **parts)


class ModelGone(RemoteVideoError):
    """The provider does not offer the model any more."""

    usual_next_step = "Use another node of this pack; the provider's model page says what replaced it."
    usual_actions = (Action.SUCCESSOR,)


class RefusedByProvider(RemoteVideoError):
    """The provider answered the submission with a definite no; no job exists."""

    usual_next_step = "Correct what the provider names and run again."


class RateLimited(RemoteVideoError):
    """The provider turned the submission away for now; no job exists.

    Args:
        retry_after: how long it asks to wait, s, when it says.
    """

    usual_next_step = "Wait a little and run again: the same inputs will be submitted."
    usual_actions = (Action.RUN,)

    def __init__(self, what: str, *, retry_after: float | None = None, **parts: Any) -> None:
        super().__init__(what, **parts)
        self.retry_after = retry_after


class NotSent(RemoteVideoError):
    """The connection for a submission never opened: not a byte of it left."""

    usual_next_step = "Check the network, then run again: the same inputs will be submitted."
    usual_actions = (Action.RUN,)


class JobFailed(RemoteVideoError):
    """The job ran and failed at the provider."""

    usual_billed = Billed.UNKNOWN
    usual_next_step = "Run again to submit it anew, or change the inputs first."
    usual_actions = (Action.RUN, Action.SEED)


class JobCancelled(RemoteVideoError):
    """The job was cancelled at the provider."""

    usual_billed = Billed.UNKNOWN
    usual_next_step = "Run again to submit it anew."
    usual_actions = (Action.RUN,)


class JobUncertain(RemoteVideoError):
    """The submission left this machine and no answer came back: a job may or may not exist."""

    usual_billed = Billed.UNKNOWN
    usual_next_step = (
        "Look at the provider's dashboard. To pay for another try: choose another seed, "
        "or open the Remote Video jobs panel and choose 'Forget this job', then run again."
    )
    usual_actions = (Action.SEED, Action.JOB)


class JobExpired(RemoteVideoError):
    """The provider no longer knows the job, or no longer keeps its clip."""

    usual_billed = Billed.UNKNOWN
    usual_next_step = (
        "To pay for another try: choose another seed, or open the Remote Video jobs panel and "
        "choose 'Forget this job', then run again."
    )
    usual_actions = (Action.SEED, Action.JOB)


class NoVideo(RemoteVideoError):
    """The provider finished the job with pictures, and no video."""

    usual_billed = Billed.YES
    usual_next_step = (
        "Choose a model that makes videos. Running again with the same inputs only asks once more; after 'Forget "
        "this job' in the Remote Video jobs panel it is submitted, and paid for, again."
    )
    usual_actions = (Action.JOB,)


class StillRunning(RemoteVideoError):
    """The deadline passed while the job was still on its way; it stays followable."""

    usual_billed = Billed.YES
    usual_next_step = "Run again with the same inputs: it waits on the same job and submits nothing."
    usual_actions = (Action.RUN,)


class DownloadError(RemoteVideoError):
    """The clip exists at the provider and could not be brought here this time."""

    usual_billed = Billed.YES
    usual_next_step = "Run again with the same inputs: it only downloads and submits nothing."
    usual_actions = (Action.RUN,)


class MediaError(RemoteVideoError):
    """A file is not a video that can be decoded."""

    usual_billed = Billed.YES
    usual_next_step = "Look at the saved file; run again to fetch it anew (nothing is submitted)."
    usual_actions = (Action.RUN,)
    whole_frames: int | None = None
    """How many can be decoded from its start, where that is known."""


class SizeChanges(MediaError):
    """The clip contains a frame of another size than the first; `whole_frames` come before it."""


class NotEnoughMemory(RemoteVideoError):
    """The decoded frames would not fit into the free RAM."""

    usual_billed = Billed.YES
    usual_next_step = "Free some memory, or decode less of the clip."
    fitting: int = 0
    """How many frames would fit."""


class FilmError(RemoteVideoError):
    """Clips could not be joined, because of lacking disk space or permissions; the clips are unchanged."""

    usual_next_step = "Make room there, then run again."
    usual_actions = (Action.RUN,)


class LedgerError(RemoteVideoError):
    """The record of paid jobs can't be written, so nothing may be submitted."""

    usual_next_step = "Make the folder named above writable (or set REMOTE_VIDEO_HOME to one that is), then run again."
    usual_actions = (Action.RUN,)
    outcome_unknown = False
    """Whether what was to be written may stand in it all the same: the trouble came with its last step."""


class Stopped(Exception):
    """The user pressed Stop. Not an error: it carries what became of the job.

    The host turns it into its own kind of interruption.
    """


_FORMER_NAMES: dict[str, type[RemoteVideoError]] = {"ProviderBusy": RateLimited}


def kind_named(name: str) -> type[RemoteVideoError] | None:
    """The kind of that name, as ledgers keep it, also under a name it had before; None when there is none."""
    kind = globals().get(name, _FORMER_NAMES.get(name))
    return kind if isinstance(kind, type) and issubclass(kind, RemoteVideoError) else None
