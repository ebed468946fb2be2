"""Rows as Arrow tables: column types, units in the metadata, and several tables as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from hwsim.sweep.rows import METRICS, TEXT, Row, common_type

_ARROW = {bool: pa.bool_(), int: pa.int64(), float: pa.float64(), str: pa.string()}
_PYTHON = {arrow: python for python, arrow in _ARROW.items()}
_FIRST = ("point", "space", "status", "error", "family", "workload", "seconds", "seed", "revision", "versions",
          "feasible")  # fmt: skip


def schema_of(inputs: Mapping[str, type]) -> pa.Schema:
    """Schema of a table whose input columns have these types; fields of metrics hold their unit as metadata."""
    types: dict[str, type] = {**dict.fromkeys(TEXT, str), "seconds": float, "seed": int, "feasible": bool}
    named = [pa.field(name, _ARROW[types[name]]) for name in _FIRST]
    named += [pa.field(name, _ARROW[kind]) for name, kind in sorted(inputs.items())]
    named += [pa.field(f"metric.{name}", pa.float64(), metadata={"unit": unit}) for name, unit in METRICS.items()]
    named += [pa.field("inputs", pa.string()), pa.field("detail", pa.string())]
    units = {f"metric.{name}": unit for name, unit in METRICS.items()}
    return pa.schema(named, metadata={"hwsim.sweep": "1", **units, "seconds": "s, wall clock"})


def table_of(rows: Sequence[Row], inputs: Mapping[str, type]) -> pa.Table:
    """Table of rows; columns that a row lacks are null."""
    schema = schema_of(inputs)
    columns = [pa.array([_fitting(row.get(column.name), column.type) for row in rows], column.type)
               for column in schema]  # fmt: skip
    return pa.table(columns, schema=schema)


def _fitting(value: Any, kind: pa.DataType) -> Any:
    if value is None or not pa.types.is_string(kind) or isinstance(value, str):
        return value
    return str(value)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables of perhaps different input columns and types as one; integers become floats or text where they must."""
    inputs: dict[str, type] = {}
    for table in tables:
        for column in table.schema:
            if column.name.startswith("input."):
                kind = _PYTHON[column.type]
                inputs[column.name] = common_type(inputs.get(column.name, kind), kind)
    schema = schema_of(inputs)
    return pa.concat_tables([_widened(table, schema) for table in tables]) if tables else schema.empty_table()


def _widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    own = set(table.schema.names)
    columns = [table[column.name].cast(column.type) if column.name in own else pa.nulls(len(table), column.type)
               for column in schema]  # fmt: skip
    return pa.table(columns, schema=schema)
