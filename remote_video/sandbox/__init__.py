"""A stand-in for both providers on loopback: real HTTP, real MP4s. Nothing is ever charged.

Any key but "bad-key" is accepted. Words in square brackets in a prompt show what an error looks like:

    [moderation]   the submission is refused by content moderation
    [withheld]     the job runs, then content moderation withholds the result
    [fail]         the job runs, then fails
    [balance]      the account has not enough money (RunComfy 400002)
    [busy]         the submission is turned away for now (429)
    [gone]         the model is no longer offered (RunComfy 400001)
    [https-only]   media inside the request are refused: the provider wants to fetch them from an address
    [slow]         the job takes half a minute longer
"""

from .job_store import Pace
from .server import Sandbox, shared_sandbox

__all__ = ["Pace", "Sandbox", "shared_sandbox"]
