"""The sandbox with faults on demand: what a network, a proxy or a provider can do wrong, as declared data.

with Sandbox(folder) as sandbox:
    sandbox.faults.menu("runcomfy/submit")                  # every fault that route can have
    sandbox.faults.set("media", "reset-during-answer", on_call=1)
    sandbox.faults.clear()
    sandbox.requests                                        # what it was asked
"""

from .answer import Answer
from .board import ActiveFault, FaultBoard
from .fault import BINARY, ROUTES, BodyFate, Call, Fault
from .request_log import LoggedRequest
from .sandbox import Sandbox
from .wire import Wire

__all__ = [
    "BINARY",
    "ROUTES",
    "ActiveFault",
    "Answer",
    "BodyFate",
    "Call",
    "Fault",
    "FaultBoard",
    "LoggedRequest",
    "Sandbox",
    "Wire",
]
