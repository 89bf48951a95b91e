"""The error for a submission that was definitely refused: why, in the provider's words, and what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..errors import (
    AccountError,
    BalanceError,
    ModelGone,
    ModerationError,
    RefusedByProvider,
    RemoteVideoError,
)
from .problem import BAD_KEY, NO_BALANCE, NO_MODEL, NO_PERMISSION, Problem, key_refused

ABOUT_ADDRESSES = re.compile(r"\bdata[: -]?ur[il]|\bdata:|base64|\burls?\b|https?\b|\bscheme\b|publicly", re.IGNORECASE)
"""Words of a provider that wants to fetch an image instead of being sent it."""
OTHER_TRANSPORTS = (
    "let it download the images from an address: choose that in the accounts dialog, or set REMOTE_VIDEO_UPLOADS "
    "to s3 or public-origin and restart ComfyUI (docs/settings.md explains how)"
)


@dataclass(frozen=True)
class Refusal:
    """A definite no to a submission.

    Args:
        problem: what the provider says.
        status: the HTTP status.
        provider: its name.
        model: what to call the model.
        instead: what to do when the model is gone, where that is not another node.
        size: of what was sent, bytes.
        is_inline: whether images were written into it that could be fetched from an address instead.
        is_page: whether something else than the provider's JSON came, as gateways send it.
    """

    problem: Problem
    status: int
    provider: str
    model: str
    instead: str | None = None
    size: int = 0
    is_inline: bool = False
    is_page: bool = False

    def error(self) -> RemoteVideoError:
        """The user's error."""
        problem, status, provider, code = self.problem, self.status, self.provider, self.problem.code
        if code in NO_MODEL:
            return model_gone(problem, provider, self.model, self.instead)
        if code in NO_BALANCE or status == 402:
            what = f"The balance of the {provider} account is too low for this clip{self._code}: {problem.message}"
            return BalanceError(what, code=code)
        if code in BAD_KEY or status == 401:
            return key_refused(problem, provider)
        if status == 413:
            return self._too_large()
        if problem.is_moderation:
            return ModerationError(self._said, code=code)
        if status == 403 and self.is_page:
            return self._by_a_gateway()
        if code in NO_PERMISSION or status == 403:
            return AccountError(
                f"The {provider} account may not use this model{self._code}: {problem.message}",
                next_step=f"Ask {provider} for access to the model, or use another account.",
                code=code,
            )
        return RefusedByProvider(self._said, next_step=self._other_transport(), code=code)

    @property
    def _code(self) -> str:
        return f" (code {self.problem.code})" if self.problem.code else f" (HTTP {self.status})"

    @property
    def _said(self) -> str:
        return f"{self.provider} refused the request{self._code}: {self.problem.message}"

    def _too_large(self) -> RefusedByProvider:
        return RefusedByProvider(
            f"The request is too large for {self.provider} or a gateway before it: {self.size / 1e6:.1f} MB were sent "
            f"(HTTP 413; it says: {self.problem.message}).",
            next_step=f"Use smaller images and run again; or {OTHER_TRANSPORTS}."
            if self.is_inline
            else "Use smaller images and run again.",
            code=self.problem.code,
        )

    def _by_a_gateway(self) -> RefusedByProvider:
        return RefusedByProvider(
            f"A gateway before {self.provider} (a firewall, there or in this network) refused the request with a page "
            f"of its own ({self.problem.message}). It is not about the account or its key.",
            next_step="Run again without VPN or proxy, or from another network. If it stays so, tell "
            f"{self.provider}, or whoever runs this network, when and from which address it was.",
            code=self.problem.code,
        )

    def _other_transport(self) -> str | None:
        if self.is_inline and ABOUT_ADDRESSES.search(self.problem.message):
            return f"If {self.provider} does not take images inside the request, {OTHER_TRANSPORTS}."
        return None


def model_gone(problem: Problem, provider: str, model: str, instead: str | None = None) -> ModelGone:
    """The error for a model the provider doesn't know (any more)."""
    code = f" (code {problem.code})" if problem.code else ""
    return ModelGone(
        f"This model is no longer offered: {provider} does not know {model}{code}. It says: {problem.message}",
        next_step=instead,
        code=problem.code or None,
    )
