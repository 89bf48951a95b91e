"""What is asked of the engine: one clip, complete, so that nothing after this can find the input bad."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from ..budget import NO_BUDGET, Budget, Budgets
from ..catalogue import store
from ..catalogue.price import Estimate, estimate_of, highest_of_its_kind
from ..clips.output_file import Target, expand, target
from ..clips.output_folder import OutputFolder
from ..errors import SettingsError
from ..ledger.ledger import Ledger
from ..ledger.record import JobRecord, NewJob
from ..models.request import Request
from ..outside_text import beginning, storable
from ..providers.client import Client, connect
from ..settings import Settings


@dataclass(frozen=True)
class Order:
    """One clip.

    Args:
        key: the job key.
        provider_id: who makes it.
        job: what the ledger keeps of it.
        client: of the account that pays.
        settings: as they were when it was ordered.
        temp_folder: the host's own, for images shown under a public origin.
        request: checked and fitted; None if only an earlier job is to be collected.
        request_id: the provider's, of a job that is to be collected.
        estimate: what it will cost, where that can be said; None in a sandbox, which costs nothing.
    """

    key: str
    provider_id: str
    job: NewJob
    client: Client
    settings: Settings
    temp_folder: Path
    request: Request | None = field(repr=False, default=None)
    request_id: str | None = None
    estimate: Estimate | None = None

    def budget(self) -> Budget:
        """What may be spent now; the sandbox spends nothing. Blocks. Raises SettingsError: it can't be read."""
        return NO_BUDGET if self.settings.sandbox else Budgets(self.settings.home, self.settings.budget).find()

    @property
    def folder(self) -> OutputFolder:
        """Where the clip goes, and the only place that is touched for it."""
        return OutputFolder(Path(self.job.output_folder or ""), self.settings.follow_links)

    def place(self) -> Target:
        """The clip's name there; makes its folder. Blocks. Raises InputRefused."""
        folder = self.folder
        return target(folder.root, self.job.filename_prefix or "", follow_links=folder.follow_links)

    @property
    def notices(self) -> tuple[str, ...]:
        """What was changed about the inputs, for the user."""
        return self.request.notices if self.request else ()


def place_order(
    request: Request,
    settings: Settings,
    *,
    output_folder: Path,
    filename_prefix: str,
    temp_folder: Path,
    node_id: str = "",
    workflow_id: str | None = None,
    sidecar: str | None = None,
) -> Order:
    """Find out whose job it is and where its clip goes. Blocks.

    Args:
        request: checked and fitted.
        output_folder: nothing is saved outside it.
        filename_prefix: "folder/name" below it, with time words such as %year%.
        temp_folder: the host's own.
        node_id: who asked, for the jobs panel.
        workflow_id: in which workflow.
        sidecar: JSON text to be saved beside the clip.

    Raises:
        RemoteVideoError: no key, a ledger that can't be used, a place that can't be; nothing was sent.
    """
    model, prefix, folder = request.model, expand(filename_prefix), str(output_folder.resolve())
    if storable(folder) != folder:
        raise SettingsError(
            f"The name of the output folder {folder} is not in UTF-8, so the record of paid jobs can't keep it.",
            next_step="Start ComfyUI with another --output-directory, or rename the folder.",
        )
    target(output_folder, prefix, follow_links=settings.follow_links)
    connection = connect(model.provider, settings)
    client = connection.client
    account = Ledger.of(settings).account_tag(connection.account_key)
    estimate, assumed_usd = None, None
    if not settings.sandbox:
        known = store.known(settings.home, client.endpoint)
        estimate = estimate_of(request, known)
        # Kept also while there is no budget: one that is set later counts what this job may have cost.
        if estimate is None:
            assumed_usd = settings.budget.unknown_price_usd
            assumed_usd = highest_of_its_kind(request, known) if assumed_usd is None else assumed_usd
    job = NewJob(
        provider=client.name,
        base=client.endpoint,
        model_id=request.model_id,
        model_name=request.model_name,
        seed=request.seed,
        node_id=node_id,
        workflow_id=workflow_id,
        request_digest=request.key(client.endpoint, account_tag=""),
        file_digest=request.file_digest(client.endpoint),
        account=account,
        output_folder=folder,
        filename_prefix=prefix,
        sidecar=sidecar,
        estimate_usd=estimate.usd if estimate else None,
        assumed_usd=assumed_usd,
        stand_in=int(connection.is_stand_in) or None,
        prompt=beginning(request.prompt, connection.account_key) or None,
        host=settings.host or None,
        asked_by=settings.user or None,
    )
    return Order(
        request.key(client.endpoint, account),
        model.provider,
        job,
        client,
        settings,
        temp_folder,
        request,
        estimate=estimate,
    )


def pickup_order(
    record: JobRecord,
    provider_id: str,
    client: Client,
    settings: Settings,
    output_folder: Path | None,
    filename_prefix: str,
    temp_folder: Path,
) -> Order:
    """Bring home what a job that was paid for has become.

    Args:
        output_folder: into this one, under the name its node would have used; None is the folder it was asked for.
        filename_prefix: for a job of an earlier version, which kept none.
        temp_folder: the host's own.
    """
    job = NewJob(**{field.name: getattr(record, field.name) for field in fields(NewJob)})
    folder = (output_folder or Path(record.output_folder or Path.cwd())).resolve()
    job = replace(job, output_folder=str(folder), filename_prefix=job.filename_prefix or filename_prefix)
    return Order(record.key, provider_id, job, client, settings, temp_folder, request_id=record.request_id)
