"""Diaries in a database: one store for all owners, and a `Diary` that sees one owner's only."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import Select, delete, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from recommender.diary.database import engine_for, in_words, inode, migrate, scrub
from recommender.diary.errors import DiaryError
from recommender.diary.location import location, make_private
from recommender.diary.records import (
    OPINIONS,
    Entry,
    KeptTrack,
    KeptVerdict,
    Moment,
    Opinion,
    Source,
    check_emotion,
)
from recommender.diary.tables import EntryRow, EntryTrackRow, OwnerRow, VerdictRow
from recommender.types import Intent, Mood, Track


class DiaryStore:
    """The diaries of all owners.

    Safe to share between threads, and between processes on one database.

    Use `open` to get one; close it, or use it as a context manager.
    """

    def __init__(self, engine: Engine, file: Path | None) -> None:
        self._engine = engine
        self._reading = engine.execution_options(reading=True)
        self._file = file
        self._inode = inode(file)

    @classmethod
    def open(cls, url: str | None = None) -> DiaryStore:
        """Open the diaries; make them if they are not there, and bring the tables up to date.

        Args:
            url: where they are, as in `recommender.diary.location.location`.

        Raises:
            DiaryError: the database cannot be reached, is not one, or is newer than this program.
        """
        place = location(url)
        file = Path(str(place.database)) if place.drivername == "sqlite" else None
        # Visitors read this too: they need not know a server's name or who signs in to it.
        named = f": {file}" if file else " in its PostgreSQL database"
        with in_words(f"The diary can’t be opened{named}."):
            if file:
                make_private(file)
            engine = engine_for(place)
            try:
                with engine.begin() as connection:
                    migrate(connection)
            except BaseException:
                engine.dispose()
                raise
        return cls(engine, file)

    def diary(self, owner: str) -> Diary:
        """Return one owner's diary, which is the only way to what is kept.

        Args:
            owner: what tells people apart, 1 to 64 characters.

        Raises:
            ValueError: it is empty or longer.
        """
        if not 1 <= len(owner) <= 64:
            raise ValueError(f"Incorrect value for 'owner' argument: {owner!r}: 1-64 characters")
        return Diary(self, owner)

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def __enter__(self) -> DiaryStore:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    @contextmanager
    def session(self, *, writing: bool) -> Iterator[Session]:
        """Give a transaction, committed at the end.

        Raises:
            DiaryError: the database fails, or its file has been removed.
        """
        with in_words(f"The diary can’t be {'written' if writing else 'read'} right now."):
            if self._file and inode(self._file) != self._inode:
                # SQLite would go on with a file that no longer has a name.
                raise DiaryError("The diary's file is no longer where it was.")
            engine = self._engine if writing else self._reading
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield session

    def scrub(self) -> bool:
        """Remove deleted data from SQLite's files: from the database and from its log.

        Deleted rows are overwritten at once (``secure_delete``), but the log still has the pages
        as they were. A PostgreSQL server keeps dead rows in its files, its log and its backups:
        they are for its administrator to remove, and nothing is done about them here.

        Returns:
            Whether nothing is left to do here; not if another program held SQLite's file for too
            long.

        Raises:
            DiaryError: the database fails.
        """
        if self._file is None:
            return True
        with in_words("The diary can’t be written right now."):
            connection = self._engine.raw_connection()
            try:
                return scrub(cast(sqlite3.Connection, connection.driver_connection))
            finally:
                connection.close()


class Diary:
    """One owner's diary. No other owner's entries can be reached through it."""

    def __init__(self, store: DiaryStore, owner: str) -> None:
        self._store = store
        self._owner = owner

    @property
    def keeping(self) -> bool:
        """Whether it is switched on; off by default.

        Raises:
            DiaryError: the database fails. Every method below raises it, too.
        """
        with self._store.session(writing=False) as session:
            me = self._me(session)
            return me is not None and me.keeping

    def switch(self, on: bool) -> None:
        """Switch it on or off. Off, nothing new is written, and what is there stays."""
        with self._store.session(writing=True) as session:
            me = self._me(session, writing=True)
            if me is not None:
                me.keeping = on
            elif on:
                with suppress(IntegrityError), session.begin_nested():
                    session.add(OwnerRow(key=self._owner, keeping=True))  # else: just switched on

    def note(
        self, moment: Moment, *, at: datetime | None = None, replacing: int | None = None
    ) -> int | None:
        """Write an entry. When this returns, it is on the disk.

        Args:
            moment: the playlist and its mood.
            at: when that was, with a time zone; by default now.
            replacing: an entry that this one takes the place of; it keeps its time.

        Returns:
            The entry's id; ``None`` if the diary is off.

        Raises:
            ValueError: a time without a time zone.
        """
        when = _instant(at)
        with self._store.session(writing=True) as session:
            me = self._me(session, writing=True)
            if me is None or not me.keeping:
                return None
            entry = self._find(session, me, replacing)
            if entry is None:
                entry = EntryRow(owner_id=me.id, at=when)
                session.add(entry)
            else:
                entry.tracks.clear()
                session.flush()  # before others take their places
            playlist = moment.playlist
            entry.source, entry.emotion = moment.source, moment.emotion
            entry.valence, entry.arousal = playlist.mood.valence, playlist.mood.arousal
            entry.intent, entry.ended = playlist.intent, None
            entry.target_valence = playlist.target.valence
            entry.target_arousal = playlist.target.arousal
            kept = [KeptTrack.of(pick.track) for pick in playlist.picks]
            entry.tracks.extend(_track_rows(kept))
            session.flush()
            return entry.id

    def judge(
        self,
        track: Track,
        verdict: Opinion | None,
        mood: Mood,
        *,
        at: datetime | None = None,
    ) -> bool:
        """Keep what the owner thinks of a track, in place of what they thought before.

        Args:
            track: the track.
            verdict: like or dislike; ``None`` takes an earlier verdict back.
            mood: the mood that it was played in.
            at: when that was, with a time zone; by default now.

        Returns:
            Whether it was kept; not where the diary is off.

        Raises:
            ValueError: another verdict, or a time without a time zone.
        """
        if verdict is not None and verdict not in OPINIONS:
            raise ValueError(
                f"Incorrect value for 'verdict' argument: {verdict!r}: "
                f"one of {', '.join(OPINIONS)}, or nothing"
            )
        kept, when = KeptTrack.of(track), _instant(at)
        with self._store.session(writing=True) as session:
            me = self._me(session, writing=True)
            if me is None or not me.keeping:
                return False
            row = session.get(VerdictRow, (me.id, kept.id))
            if verdict is None:
                if row is not None:
                    session.delete(row)
                return True
            if row is None:
                row = VerdictRow(owner_id=me.id, track_id=kept.id)
                session.add(row)
            row.at, row.verdict = when, verdict
            row.valence, row.arousal = mood.valence, mood.arousal
            row.title, row.artists, row.genres = kept.title, list(kept.artists), list(kept.genres)
            return True

    def end(self, entry: int, emotion: str | None) -> bool:
        """Keep how the owner felt after an entry's playlist; ``None`` takes it back.

        Returns:
            Whether it was kept; not where the diary is off or has no such entry.

        Raises:
            ValueError: an unknown emotion.
        """
        check_emotion(emotion)
        with self._store.session(writing=True) as session:
            me = self._me(session, writing=True)
            row = self._find(session, me, entry)
            if me is None or not me.keeping or row is None:
                return False
            row.ended = emotion
            return True

    def entries(
        self, *, since: datetime | None = None, before: datetime | None = None
    ) -> list[Entry]:
        """Return the entries, the latest first.

        Args:
            since, before: only those in this half-open span; both with a time zone.
        """
        with self._store.session(writing=False) as session:
            me = self._me(session)
            if me is None:
                return []
            query = select(EntryRow).where(EntryRow.owner_id == me.id)
            if since is not None:
                query = query.where(EntryRow.at >= since)
            if before is not None:
                query = query.where(EntryRow.at < before)
            rows = session.scalars(query.order_by(EntryRow.at.desc(), EntryRow.id.desc())).all()
            opinions = {row.track_id: cast(Opinion, row.verdict) for row in self._judged(session)}
            tracks = _tracks(session, query)
            return [_entry(row, tracks.get(row.id, ()), opinions) for row in rows]

    def verdicts(self) -> list[KeptVerdict]:
        """Return what the owner thinks of tracks, the earliest first."""
        with self._store.session(writing=False) as session:
            return [
                KeptVerdict(
                    track=_track(row),
                    verdict=cast(Opinion, row.verdict),
                    mood=Mood(row.valence, row.arousal),
                    at=row.at,
                )
                for row in self._judged(session)
            ]

    def forget(self, entry: int) -> bool:
        """Delete one entry. Returns whether there was one."""
        with self._store.session(writing=True) as session:
            row = self._find(session, self._me(session, writing=True), entry)
            if row is None:
                return False
            session.delete(row)
        self._store.scrub()
        return True

    def restore(self, entry: Entry) -> int | None:
        """Write a deleted entry again, as it was but for its id.

        What the owner thinks of its tracks was not deleted with it and is not written. Nothing
        new is kept by this, so it works while the diary is off as well.

        Returns:
            Its new id; ``None`` if the owner has no diary.
        """
        with self._store.session(writing=True) as session:
            me = self._me(session, writing=True)
            if me is None:
                return None
            row = EntryRow(
                owner_id=me.id,
                at=_instant(entry.at),
                source=entry.source,
                emotion=entry.emotion,
                valence=entry.mood.valence,
                arousal=entry.mood.arousal,
                intent=entry.intent,
                target_valence=entry.target.valence,
                target_arousal=entry.target.arousal,
                ended=entry.ended,
                tracks=_track_rows(entry.tracks),
            )
            session.add(row)
            session.flush()
            return row.id

    def delete_everything(self) -> bool:
        """Delete all that is kept about the owner, including that there was one.

        Returns:
            Whether it is out of SQLite's files as well; always for PostgreSQL, whose files are
            left as they are, see `DiaryStore.scrub`.
        """
        with self._store.session(writing=True) as session:
            me = self._me(session, writing=True)
            if me is not None:
                mine = select(EntryRow.id).where(EntryRow.owner_id == me.id)
                session.execute(delete(EntryTrackRow).where(EntryTrackRow.entry_id.in_(mine)))
                session.execute(delete(EntryRow).where(EntryRow.owner_id == me.id))
                session.execute(delete(VerdictRow).where(VerdictRow.owner_id == me.id))
                session.execute(delete(OwnerRow).where(OwnerRow.id == me.id))
        return self._store.scrub()

    def _me(self, session: Session, *, writing: bool = False) -> OwnerRow | None:
        query = select(OwnerRow).where(OwnerRow.key == self._owner)
        # One writer per owner at a time; SQLite has one writer at a time anyway.
        return session.scalar(query.with_for_update() if writing else query)

    def _find(self, session: Session, me: OwnerRow | None, entry: int | None) -> EntryRow | None:
        if me is None or entry is None:
            return None
        return session.scalar(
            select(EntryRow).where(EntryRow.id == entry, EntryRow.owner_id == me.id)
        )

    def _judged(self, session: Session) -> list[VerdictRow]:
        me = self._me(session)
        if me is None:
            return []
        mine = select(VerdictRow).where(VerdictRow.owner_id == me.id)
        return list(session.scalars(mine.order_by(VerdictRow.at, VerdictRow.track_id)))


def _tracks(session: Session, entries: Select[Any]) -> dict[int, list[KeptTrack]]:
    """Return entry → its tracks. Fetched as columns: a year of ORM objects would take seconds."""
    chosen = entries.with_only_columns(EntryRow.id)
    columns = (
        *(EntryTrackRow.entry_id, EntryTrackRow.track_id, EntryTrackRow.title),
        *(EntryTrackRow.artists, EntryTrackRow.genres),
    )
    found: dict[int, list[KeptTrack]] = {}
    for entry, track_id, title, artists, genres in session.execute(
        select(*columns)
        .where(EntryTrackRow.entry_id.in_(chosen))
        .order_by(EntryTrackRow.entry_id, EntryTrackRow.place)
    ):
        kept = KeptTrack(track_id, title, tuple(artists), tuple(genres))
        found.setdefault(entry, []).append(kept)
    return found


def _entry(row: EntryRow, tracks: Sequence[KeptTrack], opinions: Mapping[str, Opinion]) -> Entry:
    return Entry(
        id=row.id,
        at=row.at,
        source=cast(Source, row.source),
        emotion=row.emotion,
        mood=Mood(row.valence, row.arousal),
        target=Mood(row.target_valence, row.target_arousal),
        intent=cast(Intent, row.intent),
        tracks=tuple(tracks),
        opinions={track.id: opinions[track.id] for track in tracks if track.id in opinions},
        ended=row.ended,
    )


def _track(row: VerdictRow) -> KeptTrack:
    return KeptTrack(row.track_id, row.title, tuple(row.artists), tuple(row.genres))


def _track_rows(tracks: Sequence[KeptTrack]) -> list[EntryTrackRow]:
    return [
        EntryTrackRow(
            place=place,
            track_id=track.id,
            title=track.title,
            artists=list(track.artists),
            genres=list(track.genres),
        )
        for place, track in enumerate(tracks, start=1)
    ]


def _instant(at: datetime | None) -> datetime:
    if at is not None and at.tzinfo is None:
        raise ValueError(f"Incorrect value for 'at' argument: {at!r}: needs a time zone")
    return at or datetime.now(UTC)
