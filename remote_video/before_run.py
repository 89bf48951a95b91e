"""What a Run will do, said before it: a pure function of what is asked, of what is known of its like, and of its price.

The same for a node, the jobs panel and the command line.
"""

from __future__ import annotations

from dataclasses import dataclass

from .clock import clock
from .dollars import dollars
from .media.fit import Plan, Size
from .models.request import Request

RATIOS = ((1, 1), (16, 9), (9, 16), (4, 3), (3, 4), (3, 2), (2, 3), (5, 4), (4, 5), (5, 3), (3, 5), (21, 9), (9, 21))
SAME_SHAPE = 0.02
"""Part by which two ratios of width and height may differ and still be called the same."""
SEEN = 0.005
"""Part of a side whose loss is worth a word."""
FREE, FREE_SOON, SANDBOX = "Already made: free", "Already being made: free", "free in the sandbox"


@dataclass(frozen=True)
class Known:
    """What is known of a clip besides what is asked.

    Args:
        usual_s: how long its like took at the provider, s.
        usd: what it will cost.
        is_from: it can cost more.
        is_made: it is paid for and here, or needs only to be fetched.
        is_being_made: it is paid for and under way.
        sandbox: nothing is paid.
        made_by: who asked for the same clip with another key. It is ours where the provider knows it by our key, too.
    """

    usual_s: float | None = None
    usd: float | None = None
    is_from: bool = False
    is_made: bool = False
    is_being_made: bool = False
    sandbox: bool = False
    made_by: str | None = None


@dataclass(frozen=True)
class BeforeRun:
    """What a Run will do.

    Args:
        length_s: how long the clip will be, s; None when that isn't known.
        shape: such as "16:9", or "1000x700" (px) where it has no such name; empty when that isn't known.
        pictures: in words, what becomes of each picture.
        known: the rest.
    """

    length_s: float | None
    shape: str
    pictures: tuple[str, ...]
    known: Known

    @property
    def line(self) -> str:
        """All of it in a line, parts that aren't known left out; empty when nothing is."""
        known = self.known
        if known.is_made or known.is_being_made:
            return FREE if known.is_made else FREE_SOON
        length = "" if self.length_s is None else f"{self.length_s:.3g} s"
        usual = f"usually {clock(known.usual_s)}" if known.usual_s else ""
        price = "" if known.usd is None else dollars(known.usd)
        price = price and (f"from {price}" if known.is_from else f"about {price}")
        clip = ", ".join(filter(None, (length, self.shape)))
        others = known.made_by and (
            f"already made with another key ({known.made_by}): free if it is the same account's"
        )
        parts = (clip, *self.pictures, usual, SANDBOX if known.sandbox else price, others)
        return " | ".join(filter(None, parts))


def before_run(request: Request, known: Known) -> BeforeRun:
    """What a Run of a request will do."""
    first = next(iter(request.plans.values()), None)
    canvas = request.canvas or (first.target if first else None)
    names = len(request.plans) > 1
    told = {name: picture_words(plan, canvas) for name, plan in request.plans.items()}
    pictures = tuple(f"{name}: {words}" if names else words for name, words in told.items() if words)
    return BeforeRun(request.seconds, shape_words(canvas) if canvas else "", pictures, known)


def picture_words(plan: Plan, canvas: Size | None) -> str:
    """What becomes of a picture; empty when it goes as it is and has the clip's shape.

    Args:
        canvas: what the clip is rendered at, px.
    """
    shape, (left, top, right, bottom) = shape_words(plan.size), plan.kept
    across, down = left + 1 - right, top + 1 - bottom
    if max(across, down) > SEEN:
        if across >= down:
            return f"your {shape} picture loses left and right ({across:.0%})"
        return f"your {shape} picture loses top and bottom ({down:.0%})"
    if plan.inner and not is_same_shape(plan.inner, plan.target):
        if plan.inner[0] < plan.target[0]:
            return f"your {shape} picture gets black bars left and right"
        return f"your {shape} picture gets black bars at top and bottom"
    if canvas and not is_same_shape(plan.target, canvas):
        return f"your {shape} picture goes whole, the model fits it to the clip"
    if plan.target not in (plan.size, canvas):
        return f"your {shape} picture is scaled to {plan.target[0]}x{plan.target[1]}"
    return ""


def shape_words(size: Size) -> str:
    """A size's ratio where it has a name, else its width and height, px."""
    named = next((ratio for ratio in RATIOS if is_same_shape(size, ratio)), None)
    return f"{named[0]}:{named[1]}" if named else f"{size[0]}x{size[1]}"


def is_same_shape(one: Size, other: Size) -> bool:
    """Whether two sizes have the same ratio, nearly."""
    ratio = one[0] * other[1] / (one[1] * other[0])
    return max(ratio, 1 / ratio) <= 1 + SAME_SHAPE
