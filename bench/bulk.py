"""Many rows at once: COPY on PostgreSQL, one prepared statement on SQLite."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

import asyncpg

from domain import db

Rows = Iterable[Sequence[Any]]
TRIGGERED = {"patient"}
"""The database makes rows of another table of theirs; else nothing is asked about each row."""


async def pour(tables: Sequence[tuple[str, str, Rows]]) -> None:
    """Tables with the names of their columns and their rows, in one transaction and in order."""
    engine = db.engine()
    if db.is_postgres():
        connection = await engine.get_new_connection()
        try:
            await _copy(connection, tables)
        finally:
            await connection.close()
        return
    database = sqlite3.connect(engine.path)
    database.execute("PRAGMA foreign_keys = OFF")  # what is poured together is made together
    with database:
        for table, columns, rows in tables:
            places = ", ".join("?" * len(columns.split()))
            database.executemany(
                f"INSERT INTO {table} ({', '.join(columns.split())}) VALUES ({places})",
                (tuple(map(_kept, row)) for row in rows),
            )
    database.execute("ANALYZE")
    database.close()


async def _copy(connection: asyncpg.Connection, tables: Sequence[tuple[str, str, Rows]]) -> None:
    async with connection.transaction():
        may_skip = await connection.fetchval(
            "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
        )
        for table, columns, rows in tables:
            if may_skip:
                role = "origin" if table in TRIGGERED else "replica"
                await connection.execute(f"SET LOCAL session_replication_role = {role}")
            await connection.copy_records_to_table(table, records=rows, columns=columns.split())
    await connection.execute("ANALYZE")


def _kept(value: object) -> object:
    """As the portal's engine keeps it on SQLite."""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, UUID | date | time):
        return str(value)
    return value
