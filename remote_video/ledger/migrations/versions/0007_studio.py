"""Layout 7, from nothing or from any ledger before: those were layouts 1 to 6, in many steps, and files of SQLite.

What is missing is added: workflows and stars, prices, prompts, files and uploads of layouts 2 to 6, and who asked, on
which machine, and where clips are shared.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0007", None

TEXT = sa.String().with_variant(sa.String(collation="C"), "postgresql")
NUMBER, FLOAT = sa.BigInteger(), sa.Float(53)
NEEDED = {
    **dict.fromkeys(("key", "state", "provider", "base", "model_id", "model_name", "node_id", "asked"), TEXT),
    "take": NUMBER,
    "attempt": NUMBER,
    "created_at": FLOAT,
}
OPTIONAL = {
    **dict.fromkeys(("account", "output_folder", "filename_prefix", "sidecar", "file_digest", "uploads"), TEXT),
    **dict.fromkeys(("prompt", "workflow_id", "host", "asked_by", "request_id", "path", "part_path"), TEXT),
    **dict.fromkeys(("part_validator", "sha256", "others", "error", "error_kind", "saved_on", "shared_in"), TEXT),
    **dict.fromkeys(("estimate_usd", "assumed_usd", "submitted_at", "finished_at", "cost_usd", "earlier_usd"), FLOAT),
    **dict.fromkeys(("stand_in", "bytes", "starred"), NUMBER),
}
INDEXES: dict[str, tuple[str, list[str], str | None]] = {
    "ix_jobs_asked": ("jobs", ["asked"], None),
    "ix_jobs_file_digest": ("jobs", ["file_digest"], None),
    "jobs_money": (
        "jobs",
        ["created_at", "base", "stand_in", "state", "cost_usd", "estimate_usd", "assumed_usd", "earlier_usd"],
        None,
    ),
    "jobs_by_state": ("jobs", ["state", "created_at", "key"], None),
    "jobs_by_model": ("jobs", ["model_name", "state", "created_at", "key"], None),
    "jobs_of_node": ("jobs", ["workflow_id", "node_id", "starred", "created_at", "key"], None),
    "jobs_stored": ("jobs", ["base", "model_id", "created_at"], "state = 'stored'"),
    "jobs_to_be_shared": ("jobs", ["saved_on", "created_at"], "state = 'stored' AND shared_in IS NULL"),
    "leases_held": ("leases", ["engine_id"], "engine_id IS NOT NULL"),
}


def upgrade() -> None:
    tables = set(sa.inspect(op.get_bind()).get_table_names())
    if "jobs" in tables:
        complete_jobs()
    else:
        op.create_table("jobs", *(column(name) for name in (*NEEDED, *OPTIONAL)), sa.PrimaryKeyConstraint("key"))
    if "claims" in tables:  # leases of layout 1, which none that lives holds
        op.drop_table("claims")
    if "engines" not in tables:
        op.create_table(
            "engines",
            sa.Column("id", TEXT, primary_key=True),
            sa.Column("beats", sa.Integer, nullable=False),
            sa.Column("heard_at", FLOAT, nullable=False),
        )
    if "leases" not in tables:
        op.create_table(
            "leases",
            sa.Column("key", TEXT, primary_key=True),
            sa.Column("engine_id", TEXT),
            sa.Column("fence", sa.Integer, nullable=False),
            sa.Column("since", FLOAT, nullable=False),
            sqlite_with_rowid=False,
        )
    if "meta" not in tables:
        op.create_table("meta", sa.Column("name", TEXT, primary_key=True), sa.Column("value", TEXT, nullable=False))
    renew_indexes()


def column(name: str) -> sa.Column[Any]:
    kind: Any = NEEDED.get(name) or OPTIONAL[name]
    return sa.Column(name, kind, nullable=name in OPTIONAL)


def complete_jobs() -> None:
    there = {found["name"]: found["type"] for found in sa.inspect(op.get_bind()).get_columns("jobs")}
    for name in OPTIONAL:
        if name not in there:
            op.add_column("jobs", column(name))
    if not isinstance(there["attempt"], sa.BigInteger):
        with op.batch_alter_table("jobs") as jobs:
            jobs.alter_column("attempt", type_=NUMBER)


def renew_indexes() -> None:
    """An index may have been of other columns under the same name."""
    inspector = sa.inspect(op.get_bind())
    for table in ("jobs", "leases"):
        for index in inspector.get_indexes(table):
            op.drop_index(str(index["name"]), table)
    for name, (table, columns, condition) in INDEXES.items():
        where = sa.text(condition) if condition else None
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
