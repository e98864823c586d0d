"""Rewrites a GGUF file with 8-bit weights (Q8_0), for which llama.cpp has faster kernels than for Q4_1."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType, ReaderTensor
from gguf.quants import dequantize, quantize

_Q8_0 = GGMLQuantizationType.Q8_0


def convert(source: Path, target: Path) -> None:
    """Write the model again; whatever is not a weight matrix stays as it is."""
    reader = GGUFReader(source)
    writer = GGUFWriter(target, str(reader.fields["general.architecture"].contents()))
    try:
        _copy_metadata(reader, writer)
        _announce(reader.tensors, writer)
        # One tensor at a time: converted all at once, they would take five times the memory of the file.
        for tensor in reader.tensors:
            writer.write_tensor_data(_converted(tensor))
    finally:
        writer.close()


def _copy_metadata(reader: GGUFReader, writer: GGUFWriter) -> None:
    for field in reader.fields.values():
        # The first the writer has written already; the others are no fields of the file, but counts of it.
        if field.name == "general.architecture" or field.name.startswith("GGUF."):
            continue
        value = int(LlamaFileType.MOSTLY_Q8_0) if field.name == "general.file_type" else field.contents()
        item_type = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, value, field.types[0], sub_type=item_type)


def _announce(tensors: list[ReaderTensor], writer: GGUFWriter) -> None:
    """The file begins with a list of all tensors, before the first one."""
    for tensor in tensors:
        shape = [int(size) for size in reversed(tensor.shape)]
        kind = _Q8_0 if _is_matrix(tensor) else tensor.tensor_type
        size = tensor.n_elements * 34 // 32 if kind == _Q8_0 else tensor.n_bytes
        writer.add_tensor_info(tensor.name, shape, np.dtype(np.float32), int(size), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()


def _is_matrix(tensor: ReaderTensor) -> bool:
    return len(tensor.shape) > 1


def _converted(tensor: ReaderTensor) -> np.ndarray[Any, Any]:
    if not _is_matrix(tensor) or tensor.tensor_type == _Q8_0:
        return tensor.data
    return quantize(dequantize(tensor.data, tensor.tensor_type), _Q8_0)
