"""Faults on demand: what a network, a proxy or a provider can do wrong, as declared data.

    sandbox.faults.menu("runcomfy/submit")                  every fault that route can have
    sandbox.faults.set("media", "reset-during-answer", on_call=1)
    sandbox.faults.clear()

Over HTTP: GET, POST and DELETE /sandbox/faults.
"""

from .board import ActiveFault, FaultBoard
from .fault import ROUTES, BodyFate, Call, Fault

__all__ = ["ROUTES", "ActiveFault", "BodyFate", "Call", "Fault", "FaultBoard"]
