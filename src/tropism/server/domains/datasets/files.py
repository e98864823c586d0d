"""The file of a dataset: JSON lines, compressed with zstandard, read line by line."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import zstandard

from tropism.server.domains.datasets import shapes
from tropism.server.errors import NotFound
from tropism.server.files.storage import storage_of
from tropism.server.settings import Settings
from tropism.wire.datasets import DatasetLine

LOOKED_EVERY = 1_000
"""A reader looks after so many lines whether the dataset is still there."""
BUFFER = 256 * 1024


class DatasetGone(NotFound):
    """The dataset was deleted while someone read it, or before."""

    def __init__(self, dataset_id: UUID) -> None:
        super().__init__(f"the dataset {dataset_id} is gone: it was deleted", param="dataset")


def file_name(dataset_id: UUID) -> str:
    """The name of a dataset's file in the storage."""
    return f"{dataset_id}.jsonl.zst"


def working_folder(settings: Settings) -> Path:
    """Where files grow until they are finished."""
    return settings.data / "uploads"


def compressed(file: BinaryIO) -> zstandard.ZstdCompressionWriter:
    """A writer of plain bytes into `file`, which stays open."""
    return zstandard.ZstdCompressor(level=3, write_checksum=True).stream_writer(file, closefd=False)


def plain(settings: Settings, dataset_id: UUID) -> io.BufferedReader:
    """The bytes of a dataset as they are downloaded; `DatasetGone` if there are none."""
    try:
        file = storage_of(settings).open(file_name(dataset_id))
    except FileNotFoundError:
        raise DatasetGone(dataset_id) from None
    return io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file, closefd=True), BUFFER)


def lines(settings: Settings, dataset_id: UUID) -> Iterator[DatasetLine]:
    """The lines of a dataset, a few in memory at a time; `DatasetGone` as soon as it is seen to be deleted."""
    with plain(settings, dataset_id) as file:
        for number, text in enumerate(file):
            if number % LOOKED_EVERY == 0 and not storage_of(settings).has(file_name(dataset_id)):
                raise DatasetGone(dataset_id)
            yield shapes.shown(shapes.read(text))
