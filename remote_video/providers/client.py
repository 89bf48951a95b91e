"""What every provider's client can do, and how the engine comes by one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from ..accounts import Accounts
from ..errors import SettingsError
from ..loopback import is_loopback
from ..settings import Settings
from . import provider_of
from .status import CancelOutcome, JobStatus

if TYPE_CHECKING:
    from ..models.request import Request
    from ..uploads import Upload
    from .trial import Trial

SANDBOX_KEY = "sandbox"


class MadeAsSent(Protocol):
    """A part of a body that is not there before it is sent: small pieces, and how long they are in all."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


Piece = bytes | MadeAsSent


@dataclass(frozen=True)
class Submission:
    """A request as it goes on the wire.

    Args:
        path: below the base URL.
        body: its pieces, in order.
        content_type: of the body.
        model: the provider's own name of the model that is asked for.
        is_inline: whether images are written into it that the provider could fetch from an address instead.
    """

    path: str
    body: Sequence[Piece] = field(repr=False)
    content_type: str
    model: str
    is_inline: bool = False

    @property
    def size(self) -> int:
        """Of the body, bytes."""
        return sum(len(piece) for piece in self.body)


class Client(Protocol):
    """A remote service that makes clips. Every call blocks; run it on its own thread."""

    name: str
    """What people call it."""
    endpoint: str
    """What tells its base apart in a job key: the base URL, or "sandbox"."""
    reports_cost: bool
    """Whether it says what a job cost, if only a moment after the job's end."""

    def prepare(self, request: Request, upload: Upload) -> Submission:
        """Encode the images and build the body. Nothing is submitted."""
        ...

    def submit(self, submission: Submission) -> str:
        """Submit once and return the request id.

        Raises:
            NotSent: the connection never opened.
            SettingsError: it can't, before something is set on this machine.
            RateLimited: turned away for now (429).
            JobUncertain: bytes left and no usable answer came.
            RemoteVideoError: a definite refusal, in the provider's words.
        """
        ...

    def status(self, request_id: str) -> JobStatus:
        """Ask where a job stands.

        Raises:
            TransientError: no usable answer this time.
            AccountError, SettingsError: the key is not accepted, or something has to be set here (the job is not
                harmed).
        """
        ...

    def cancel(self, request_id: str) -> CancelOutcome:
        """Ask to cancel a job. Never raises for an answer that can't be understood: that is UNKNOWN."""
        ...

    def balance_usd(self) -> float | None:
        """Ask what the account has left, USD; None where that can't be asked, or is said in words of another kind.

        Raises:
            TransientError, SettingsError: no usable answer.
        """
        ...

    def try_key(self) -> Trial:
        """Ask for nothing whether the key is accepted, and what is told of its account. Never raises."""
        ...

    def auth_headers(self, url: str) -> dict[str, str]:
        """Headers for a MediaSource that needs the key; empty for any URL outside the provider's own API."""
        ...

    def offered(self, request: Request) -> Mapping[str, Any]:
        """What the provider says now of the model that is asked for, `input_schema` where it publishes one. Free.

        Raises:
            ModelGone: it doesn't offer the model.
            TransientError, AccountError, SettingsError: no usable answer this time.
        """
        ...


@dataclass(frozen=True)
class Connection:
    """A provider that can be asked."""

    client: Client
    base_url: str
    """Where its API is asked."""
    account_key: str = field(repr=False)
    """Tells its account apart."""
    is_stand_in: bool = False
    """Whether a sandbox with an address of its own is asked: no account there pays."""


def key_for_loopback(provider_id: str) -> str:
    """What a stand-in on this machine is shown: never a saved key, which is of an account that pays.

    The environment's key, which is set beside the stand-in's address, or SANDBOX_KEY.
    """
    account = Accounts.of_environment(provider_id)
    return account.key if account else SANDBOX_KEY


def is_free(provider_id: str, settings: Settings) -> bool:
    """Whether no clip costs anything there: in the sandbox, and at a stand-in that is shown no key of an account."""
    is_stand_in = is_loopback(settings.base_urls[provider_id]) and key_for_loopback(provider_id) == SANDBOX_KEY
    return settings.sandbox or is_stand_in


def connect(provider_id: str, settings: Settings) -> Connection:
    """The client of that provider according to the settings, with its own key only.

    Args:
        provider_id: one of `PROVIDERS`.
        settings: the sandbox is started in this process when they ask for it.

    Raises:
        ValueError: there is no such provider.
        AccountError: no key; the message names the three options. A loopback address needs none.
        SettingsError: the sandbox is on, and knows nothing of that provider.
    """
    provider = provider_of(provider_id)
    endpoint = settings.endpoint(provider_id)
    if settings.sandbox:
        from ..sandbox import shared_sandbox

        stand_ins, key = shared_sandbox(settings.home / "sandbox").base_urls, SANDBOX_KEY
        if provider_id not in stand_ins:
            raise SettingsError(
                f"The sandbox has no stand-in for {provider.name}.",
                next_step="Turn the sandbox off, or use a node of another provider.",
            )
        base_url = stand_ins[provider_id]
    else:
        base_url = settings.base_urls[provider_id]
        key = (
            key_for_loopback(provider_id) if is_loopback(base_url) else Accounts(settings.home).require(provider_id).key
        )
    client = provider.client(base_url, key, endpoint=endpoint, timeouts=settings.timeouts)
    return Connection(client, base_url, key, is_stand_in=not settings.sandbox and is_free(provider_id, settings))
