"""What can be set from outside: environment variables, then what the accounts dialog saved, then the defaults."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .budget import DAY, MONTH, NO_BUDGET, UNKNOWN_PRICE_VARIABLE, VARIABLES, Budget, usd_of
from .clips.store_url import store_url
from .errors import SettingsError
from .loopback import is_loopback
from .outside_text import quoted
from .providers import PROVIDERS, TRANSPORTS, provider_of
from .public_address import Network, fake_ip_range
from .saved_settings import SavedSettings
from .timeouts import DEFAULT_TIMEOUTS, Timeouts
from .web_address import NotAnAddress, web_address

SANDBOX_ENDPOINT = "sandbox"
MAX_CLIP_BYTES = 4 * 2**30
CHANGEABLE: Mapping[str, str] = {
    "sandbox": "REMOTE_VIDEO_SANDBOX",
    "collect": "REMOTE_VIDEO_COLLECT",
    "uploads": "REMOTE_VIDEO_UPLOADS",
    "public_origin": "REMOTE_VIDEO_PUBLIC_ORIGIN",
}
"""What the accounts dialog can set, and the environment variable that wins over it."""


def is_here(endpoint: str) -> bool:
    """Whether a provider's endpoint, as `Settings.endpoint` names it, is a stand-in on this machine."""
    return endpoint == SANDBOX_ENDPOINT or is_loopback(endpoint)


def user_name() -> str:
    """Who works at this machine, as it names them; nothing where it knows no name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


@dataclass(frozen=True)
class S3Settings:
    """Where the S3 transport puts images (`REMOTE_VIDEO_S3_*`). Keys come from boto3's own chain."""

    bucket: str
    endpoint_url: str | None = None
    region: str | None = None
    prefix: str = "remote-video/"
    expires_s: int = 6 * 3600


@dataclass(frozen=True)
class Settings:
    """Everything a run can be told by its surroundings. No keys: those are in `accounts.py`."""

    home: Path
    """Folder of the ledger, the account file and the sandbox's state."""
    base_urls: Mapping[str, str] = field(
        default_factory=lambda: {provider.id: provider.base_url for provider in PROVIDERS.values()}
    )
    """Where each provider is asked, by its id."""
    sandbox: bool = False
    timeout_s: float = 3600.0
    """How long one Run waits for a job, s."""
    max_parallel: int = 32
    """Jobs in flight per provider."""
    uploads: str = TRANSPORTS[0]
    public_origin: str | None = None
    """This machine's own address as the provider can reach it, https://host[:port]."""
    s3: S3Settings | None = None
    fake_ip_ranges: tuple[Network, ...] = ()
    """Addresses that a proxy hands out in place of public ones; hosts of clips may resolve to them."""
    collect: bool = True
    """Whether paid jobs that nobody watches are collected."""
    catalogue: bool = True
    """Whether providers are asked, for nothing, what they offer: at the start, and before a model is first paid for."""
    budget: Budget = NO_BUDGET
    """What the environment says may be spent; see `budget.Budgets` for what else does."""
    follow_links: bool = False
    """Whether a folder in the output folder may be a link to another place: so where the host's own nodes take it."""
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    """Pauses and time limits."""
    ledger_url: str | None = field(repr=False, default=None)
    """The database of a ledger that machines share, `postgresql+psycopg://...`; None: a file in `home`."""
    clips_url: str | None = field(repr=False, default=None)
    """Where clips are kept for all machines, see `clips.store_url`; None: on the machine that fetched them alone."""
    share_clips: bool = False
    """Whether all accounts in a shared ledger are one household: a clip that one paid for is for all."""
    host: str = field(default_factory=socket.gethostname)
    """What this machine is called in a ledger that others share."""
    user: str = field(default_factory=user_name)
    """Who works at it."""
    max_clip_bytes: int = MAX_CLIP_BYTES
    """A larger clip can't be right and is not downloaded."""
    set_by: Mapping[str, str] = field(default_factory=dict)
    """The environment variables that set what the accounts dialog could set otherwise, by `CHANGEABLE`'s names."""

    @classmethod
    def from_environment(cls, home: Path, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the settings.

        Args:
            home: the host's own folder for the pack; `REMOTE_VIDEO_HOME` wins over it.
            environ: the environment; `os.environ` when not given.

        Raises:
            SettingsError: a variable holds something it can't mean, or the settings file can't be read.
        """
        env = os.environ if environ is None else environ
        home = Path(env.get("REMOTE_VIDEO_HOME") or home).expanduser()
        saved = SavedSettings(home).read()
        uploads = env.get("REMOTE_VIDEO_UPLOADS", "").strip() or saved.uploads or TRANSPORTS[0]
        if uploads not in TRANSPORTS:
            raise _bad("REMOTE_VIDEO_UPLOADS", uploads, f"one of {', '.join(TRANSPORTS)}")
        return cls(
            home=home,
            base_urls={
                provider.id: _base_url(env, provider.base_url_variable, provider.base_url)
                for provider in PROVIDERS.values()
            },
            sandbox=_flag(env, "REMOTE_VIDEO_SANDBOX", default=saved.sandbox is True),
            timeout_s=_number(env, "REMOTE_VIDEO_TIMEOUT_S", 3600.0, minimum=1.0),
            max_parallel=int(_number(env, "REMOTE_VIDEO_MAX_PARALLEL", 32, minimum=1)),
            collect=_flag(env, "REMOTE_VIDEO_COLLECT", default=saved.collect is not False),
            catalogue=_flag(env, "REMOTE_VIDEO_CATALOGUE", default=True),
            uploads=uploads,
            public_origin=_url(env, "REMOTE_VIDEO_PUBLIC_ORIGIN", "") or saved.public_origin,
            s3=_s3(env),
            fake_ip_ranges=_networks(env, "REMOTE_VIDEO_FAKE_IP_RANGES"),
            budget=Budget(*(_usd(env, name) for name in (VARIABLES[DAY], VARIABLES[MONTH], UNKNOWN_PRICE_VARIABLE))),
            ledger_url=_ledger_url(env),
            clips_url=_clips_url(env),
            share_clips=_flag(env, "REMOTE_VIDEO_SHARE_CLIPS"),
            host=env.get("REMOTE_VIDEO_HOST", "").strip() or socket.gethostname(),
            user=env.get("REMOTE_VIDEO_USER", "").strip() or user_name(),
            set_by={name: variable for name, variable in CHANGEABLE.items() if env.get(variable, "").strip()},
        )

    def is_own(self, host: str | None) -> bool:
        """Whether what a record says of paths is said of this machine's disk: a ledger of its own says nothing else,
        whatever the machine was called when a job was begun.
        """
        return self.ledger_url is None or host == self.host

    def endpoint(self, provider_id: str) -> str:
        """What tells a provider's base apart in job keys: its URL, or one word for every sandbox. Raises ValueError."""
        provider = provider_of(provider_id)
        return SANDBOX_ENDPOINT if self.sandbox else self.base_urls[provider.id]

    def transport(self, provider_id: str) -> str:
        """How a provider gets to see an image: as set, where it knows that way, else in the request itself."""
        return self.uploads if self.uploads in provider_of(provider_id).transports else TRANSPORTS[0]


def _s3(env: Mapping[str, str]) -> S3Settings | None:
    bucket = env.get("REMOTE_VIDEO_S3_BUCKET", "").strip()
    if not bucket:
        return None
    return S3Settings(
        bucket=bucket,
        endpoint_url=_url(env, "REMOTE_VIDEO_S3_ENDPOINT", "") or None,
        region=env.get("REMOTE_VIDEO_S3_REGION", "").strip() or None,
        prefix=env.get("REMOTE_VIDEO_S3_PREFIX", "remote-video/"),
        expires_s=int(_number(env, "REMOTE_VIDEO_S3_EXPIRES_S", 6 * 3600, minimum=60)),
    )


def _ledger_url(env: Mapping[str, str]) -> str | None:
    """It isn't quoted: it may hold a password."""
    url = env.get("REMOTE_VIDEO_LEDGER_URL", "").strip()
    if url and not url.startswith("postgresql+psycopg://"):
        raise SettingsError(
            "The environment variable REMOTE_VIDEO_LEDGER_URL does not begin with postgresql+psycopg://, the one kind "
            "of database that machines can share a ledger in.",
            next_step="Correct or remove REMOTE_VIDEO_LEDGER_URL, then restart ComfyUI; docs/studio.md has examples.",
        )
    return url or None


def _clips_url(env: Mapping[str, str]) -> str | None:
    """One that can be understood; see `clips.store_url`."""
    url = env.get("REMOTE_VIDEO_CLIPS_URL", "").strip()
    if url:
        store_url(url)
    return url or None


def _flag(env: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    value = env.get(name, "").strip().lower()
    if not value:
        return default
    if value in ("0", "false", "no", "off"):
        return False
    if value in ("1", "true", "yes", "on"):
        return True
    raise _bad(name, value, "1 or 0")


def _number(env: Mapping[str, str], name: str, default: float, *, minimum: float) -> float:
    value = env.get(name, "").strip()
    if not value:
        return default
    try:
        number = float(value)
    except ValueError:
        raise _bad(name, value, "a number") from None
    if not minimum <= number < float("inf"):
        raise _bad(name, value, f"a number of at least {minimum:g}")
    return number


def _usd(env: Mapping[str, str], name: str) -> float | None:
    value = env.get(name, "")
    try:
        return usd_of(value)
    except ValueError:
        raise _bad(name, value.strip(), "an amount in USD, 0 or more, such as 12.50") from None


def _networks(env: Mapping[str, str], name: str) -> tuple[Network, ...]:
    value = env.get(name, "").strip()
    try:
        return tuple(fake_ip_range(part.strip()) for part in value.split(",") if part.strip())
    except ValueError:
        wanted = "networks with commas between them (198.18.0.0/15,fc00::/18), none of this machine, its link or groups"
        raise _bad(name, value, wanted) from None


def _url(env: Mapping[str, str], name: str, default: str) -> str:
    value = env.get(name, "").strip().rstrip("/")
    if not value:
        return default
    try:
        web_address(value)
    except NotAnAddress as problem:
        raise _no_address(name, str(problem)) from None
    return value


def _base_url(env: Mapping[str, str], name: str, default: str) -> str:
    """The key goes to this address: over https, or not past this machine."""
    url = _url(env, name, default)
    if not (url.lower().startswith("https://") or is_loopback(url)):
        raise _no_address(name, "it is http://, which is only for loopback: the key is sent to it")
    return url


def _no_address(name: str, problem: str) -> SettingsError:
    """What it holds is not quoted: it may be a key that went into the wrong variable."""
    return SettingsError(
        f"The environment variable {name} does not hold an address that can be used, https://host: {problem}.",
        next_step=f"Set {name} to an address of that form or remove it, then restart ComfyUI.",
    )


def _bad(name: str, value: str, wanted: str) -> SettingsError:
    return SettingsError(
        f"The environment variable {name} is {quoted(value)}; it has to be {wanted}.",
        next_step=f"Correct or remove {name}, then restart ComfyUI.",
    )
