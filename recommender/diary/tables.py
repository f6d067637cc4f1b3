"""The tables of a diary. What changes here needs a migration in ``migrations/versions``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import JSON, DateTime, Dialect, Double, ForeignKey, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

NAMES: Final = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
"""Named by rule, so that a migration can name them on either database."""


class Instant(TypeDecorator[datetime]):
    """A moment with a time zone. SQLite has none, so it is written and read as UTC there."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """What all tables have in common."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {datetime: Instant, float: Double(), list[str]: JSON}  # noqa: RUF012


class OwnerRow(Base):
    """A person who has switched a diary on at least once."""

    __tablename__ = "owner"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    keeping: Mapped[bool]


class EntryRow(Base):
    """A playlist for a mood."""

    __tablename__ = "entry"
    # A number that was deleted does not come back: another session may still hold it.
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012

    id: Mapped[int] = mapped_column(primary_key=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("owner.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime]
    source: Mapped[str] = mapped_column(String(16))
    emotion: Mapped[str | None] = mapped_column(String(16))
    valence: Mapped[float]
    arousal: Mapped[float]
    intent: Mapped[str] = mapped_column(String(16))
    target_valence: Mapped[float]
    target_arousal: Mapped[float]
    ended: Mapped[str | None] = mapped_column(String(16))

    tracks: Mapped[list[EntryTrackRow]] = relationship(
        order_by="EntryTrackRow.place",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )


class EntryTrackRow(Base):
    """A track of a playlist, at its place."""

    __tablename__ = "entry_track"

    entry_id: Mapped[int] = mapped_column(
        ForeignKey("entry.id", ondelete="CASCADE"), primary_key=True
    )
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    track_id: Mapped[str] = mapped_column(String(64))
    title: Mapped[str]
    artists: Mapped[list[str]]
    genres: Mapped[list[str]]


class VerdictRow(Base):
    """What an owner thinks of a track: one row for each track, the last word counts."""

    __tablename__ = "verdict"

    owner_id: Mapped[int] = mapped_column(
        ForeignKey("owner.id", ondelete="CASCADE"), primary_key=True
    )
    track_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    at: Mapped[datetime]
    verdict: Mapped[str] = mapped_column(String(16))
    valence: Mapped[float]
    arousal: Mapped[float]
    title: Mapped[str]
    artists: Mapped[list[str]]
    genres: Mapped[list[str]]
