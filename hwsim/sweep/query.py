"""SQL over the points of a sweep: DuckDB with one table, ``points``, and nothing else in reach."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hwsim.errors import InputError
from hwsim.sweep.proofs import with_proofs
from hwsim.sweep.store import read_table


def query(folder: str | Path, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Names of the columns, and rows.

    Raises:
        InputError: no sweep in the folder, no statement in the text, or DuckDB refuses it.
    """
    import duckdb

    points = with_proofs(read_table(folder), folder)
    with duckdb.connect(config={"enable_external_access": "false"}) as connection:
        connection.register("points", points)
        try:
            if not connection.extract_statements(sql):
                raise InputError("SQL", "a query over the table points", repr(sql))
            found = connection.execute(sql)
            names = [column[0] for column in found.description or []]
            return names, found.fetchall() if names else []
        except duckdb.Error as error:
            raise InputError("SQL", "a query over the table points", " ".join(str(error).split())) from None
