"""Interactions as a Parquet file: the only file that knows the Parquet library."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import msgspec.inspect

from tropism.sdk.errors import TropismError
from tropism.wire.interactions import Interaction

ROWS = 2_000
"""So many rows are in memory at once, and make a group in the file."""
_decode = msgspec.json.Decoder(Interaction).decode


class ParquetFile:
    """Takes the JSON lines of an export and writes them as rows. Labels are a list of names and values."""

    def __init__(self, path: Path) -> None:
        try:
            import pyarrow
            from pyarrow.parquet import ParquetWriter
        except ImportError as error:
            raise TropismError("Parquet needs a package more: `pip install 'tropism[parquet]'`.") from error
        self._arrow, self._schema = pyarrow, _schema(pyarrow)
        self._writer = ParquetWriter(path, self._schema, compression="zstd")
        self._rest, self._rows = b"", list[dict[str, Any]]()
        self.lines = 0

    def write(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            row = msgspec.to_builtins(_decode(line), builtin_types=(datetime,))
            self._rows.append({field.name: _cell(field.type, row[field.name]) for field in self._schema})
            if len(self._rows) == ROWS:
                self._flush()

    def finish(self) -> None:
        self._flush()
        self._writer.close()

    def close(self) -> None:
        self._writer.close()

    def _flush(self) -> None:
        self.lines += len(self._rows)
        self._writer.write_table(self._arrow.Table.from_pylist(self._rows, schema=self._schema))
        self._rows.clear()


def _cell(column: Any, value: Any) -> Any:
    """The value as its column takes it."""
    if isinstance(value, dict) and column.num_fields == 0:
        return msgspec.json.encode(value).decode()
    if isinstance(value, dict) and hasattr(column, "value_type"):
        return [{"name": name, "value": text} for name, text in value.items()]
    if isinstance(value, dict):
        return {field.name: _cell(field.type, value.get(field.name)) for field in column}
    if isinstance(value, list):
        return [_cell(column.value_type, each) for each in value]
    return value


def _schema(arrow: Any) -> Any:
    """The columns: the fields of an interaction, in their order. The same for every file, whatever is in it."""
    kind = msgspec.inspect.type_info(Interaction)
    assert isinstance(kind, msgspec.inspect.StructType)
    return arrow.schema([(field.name, _column(arrow, field.type)) for field in kind.fields])


def _column(arrow: Any, kind: msgspec.inspect.Type) -> Any:
    """The type of a column. Labels are a list of names and values; what may hold anything is JSON, as text."""
    match kind:
        case msgspec.inspect.UnionType():
            return next(_column(arrow, each) for each in kind.types if not isinstance(each, msgspec.inspect.NoneType))
        case msgspec.inspect.StructType():
            return arrow.struct([(field.name, _column(arrow, field.type)) for field in kind.fields])
        case msgspec.inspect.ListType():
            return arrow.list_(_column(arrow, kind.item_type))
        case msgspec.inspect.DictType() if isinstance(kind.value_type, msgspec.inspect.StrType):
            return arrow.list_(arrow.struct([("name", arrow.string()), ("value", arrow.string())]))
        case msgspec.inspect.IntType():
            return arrow.int64()
        case msgspec.inspect.FloatType():
            return arrow.float64()
        case msgspec.inspect.DateTimeType():
            return arrow.timestamp("us", tz="UTC")
        case _:
            return arrow.string()  # text, ids, and words of a closed set
