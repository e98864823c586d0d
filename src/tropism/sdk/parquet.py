"""Interactions and datasets as Parquet files: the only file that knows the Parquet library."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import msgspec.inspect
from msgspec import Struct

from tropism.sdk.errors import TropismError
from tropism.wire.datasets import DatasetLine
from tropism.wire.interactions import Interaction

ROWS = 2_000
"""So many rows are in memory at once, and make a group in the file."""


class ParquetFile:
    """Takes JSON lines and writes them as rows, whose columns are the fields of `kind`; `read` makes one of a line."""

    def __init__(self, path: Path, kind: type[Struct], read: Callable[[bytes], Struct]) -> None:
        try:
            import pyarrow
            from pyarrow.parquet import ParquetWriter
        except ImportError as error:
            raise TropismError("Parquet needs a package more: `pip install 'tropism[parquet]'`.") from error
        self._arrow, self._schema, self._read = pyarrow, _schema(pyarrow, kind), read
        self._writer = ParquetWriter(path, self._schema, compression="zstd")
        self._rest, self._rows = b"", list[dict[str, Any]]()
        self.lines = 0

    def write(self, piece: bytes) -> None:
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            row = msgspec.to_builtins(self._read(line), builtin_types=(datetime,))
            self._rows.append({field.name: _cell(field.type, row.get(field.name)) for field in self._schema})
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


def interactions_file(path: Path) -> ParquetFile:
    """A file of an export of the log."""
    return ParquetFile(path, Interaction, msgspec.json.Decoder(Interaction).decode)


def dataset_file(path: Path) -> ParquetFile:
    """A file of a dataset, with the documents apart from the messages."""
    return ParquetFile(path, DatasetLine, _dataset_line)


def _dataset_line(text: bytes) -> DatasetLine:
    line = msgspec.json.decode(text)
    said = line.pop("messages")
    line["messages"] = [turn for turn in said if turn["role"] != "document"]
    line["documents"] = [turn["content"] for turn in said if turn["role"] == "document"]
    return msgspec.convert(line, DatasetLine)


def _cell(column: Any, value: Any) -> Any:
    """The value as its column takes it."""
    if isinstance(value, (dict, list)) and column.num_fields == 0:
        return msgspec.json.encode(value).decode()
    if isinstance(value, dict) and hasattr(column, "value_type"):
        return [{"name": name, "value": text} for name, text in value.items()]
    if isinstance(value, dict):
        return {field.name: _cell(field.type, value.get(field.name)) for field in column}
    if isinstance(value, list):
        return [_cell(column.value_type, each) for each in value]
    return value


def _schema(arrow: Any, kind: type[Struct]) -> Any:
    """The columns, in the order of the fields. They are the same for every file, whatever is in it."""
    known = msgspec.inspect.type_info(kind)
    assert isinstance(known, msgspec.inspect.StructType)
    return arrow.schema([(field.name, _column(arrow, field.type)) for field in known.fields])


def _column(arrow: Any, kind: msgspec.inspect.Type) -> Any:
    """The type of a column. Labels and the like are lists of names and values; what may hold anything is JSON."""
    match kind:
        case msgspec.inspect.UnionType():
            kinds = [each for each in kind.types if not isinstance(each, msgspec.inspect.NoneType)]
            return _column(arrow, kinds[0]) if len(kinds) == 1 else arrow.string()
        case msgspec.inspect.StructType():
            return arrow.struct([(field.name, _column(arrow, field.type)) for field in kind.fields])
        case msgspec.inspect.ListType():
            return arrow.list_(_column(arrow, kind.item_type))
        case msgspec.inspect.DictType() if not isinstance(kind.value_type, msgspec.inspect.AnyType):
            return arrow.list_(arrow.struct([("name", arrow.string()), ("value", _column(arrow, kind.value_type))]))
        case msgspec.inspect.IntType():
            return arrow.int64()
        case msgspec.inspect.FloatType():
            return arrow.float64()
        case msgspec.inspect.BoolType():
            return arrow.bool_()
        case msgspec.inspect.DateTimeType():
            return arrow.timestamp("us", tz="UTC")
        case _:
            return arrow.string()  # text, ids, and words of a closed set
