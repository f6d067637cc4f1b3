"""What Alembic runs: on the connection that the store hands over, or on the database named."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, NullPool, create_engine

from recommender.diary.location import location
from recommender.diary.tables import Base


def migrate(connection: Connection) -> None:
    """Run what was asked for in one transaction, tables and all."""
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,  # SQLite cannot alter a table in place
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed_over = context.config.attributes.get("connection")
if isinstance(handed_over, Connection):
    migrate(handed_over)
else:
    with create_engine(location(), poolclass=NullPool).connect() as connection:
        migrate(connection)
