"""The first schema: owners, entries with their tracks, verdicts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from recommender.diary.tables import Instant

revision: str = "0001"
down_revision: str | None = None
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "owner",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("keeping", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owner")),
        sa.UniqueConstraint("key", name=op.f("uq_owner_key")),
    )
    op.create_table(
        "entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("emotion", sa.String(16), nullable=True),
        sa.Column("valence", sa.Double(), nullable=False),
        sa.Column("arousal", sa.Double(), nullable=False),
        sa.Column("intent", sa.String(16), nullable=False),
        sa.Column("target_valence", sa.Double(), nullable=False),
        sa.Column("target_arousal", sa.Double(), nullable=False),
        sa.Column("ended", sa.String(16), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry")),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["owner.id"], name=op.f("fk_entry_owner_id_owner"), ondelete="CASCADE"
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_entry_owner_id"), "entry", ["owner_id"])
    op.create_table(
        "entry_track",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("track_id", sa.String(64), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("artists", sa.JSON(), nullable=False),
        sa.Column("genres", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", "place", name=op.f("pk_entry_track")),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["entry.id"],
            name=op.f("fk_entry_track_entry_id_entry"),
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "verdict",
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("track_id", sa.String(64), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("valence", sa.Double(), nullable=False),
        sa.Column("arousal", sa.Double(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("artists", sa.JSON(), nullable=False),
        sa.Column("genres", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("owner_id", "track_id", name=op.f("pk_verdict")),
        sa.ForeignKeyConstraint(
            ["owner_id"],
            ["owner.id"],
            name=op.f("fk_verdict_owner_id_owner"),
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    """Drop them with everything in them."""
    op.drop_table("verdict")
    op.drop_table("entry_track")
    op.drop_index(op.f("ix_entry_owner_id"), "entry")
    op.drop_table("entry")
    op.drop_table("owner")
