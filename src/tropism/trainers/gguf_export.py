"""Writes what was trained as GGUF for llama.cpp: whole models with 8 or 16 bits, and adapters for a base it has.

Weights are never brought back to fewer bits than 8: on a coarse grid a gently trained weight rounds to where it was
before, and the training is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import gguf
import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, LlamaFileType
from gguf.utility import LocalTensor, SafetensorsLocal

from tropism.trainers.config import ConfigError

Array = np.ndarray[Any, Any]
Precision = Literal["Q8_0", "F16"]

_FILE_TYPES = {"Q8_0": LlamaFileType.MOSTLY_Q8_0, "F16": LlamaFileType.MOSTLY_F16}
_ROTATED = ("llama",)
"""Architectures whose queries and keys llama.cpp keeps in another order than transformers."""
_ARCHITECTURES = (*_ROTATED, "qwen2", "qwen3")
"""Those that need nothing but new names besides. Others fuse or shift weights, and want a converter of their own."""
_FROM_TEMPLATE = "rope_freqs.weight"
"""Worked out from the settings when the base was made, and the same for its children."""
_MODEL_FILES = "model*.safetensors"
_INDEX = "model.safetensors.index.json"
_FLOATS = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "BF16": np.uint16}
"""How numbers lie in safetensors. numpy has no bfloat16: it is the upper half of a number in full precision."""
_WORKED_OUT = ".rotary_emb.inv_freq"
"""What old versions of transformers stored, although it follows from the settings."""
_BLOCK = 32
OnWritten = Callable[[int], None]


def _ignore(size: int) -> None:
    """The `OnWritten` of those who do not care."""


class Template:
    """A GGUF file of the base model: its architecture, its tokenizer and its settings hold for the children, too."""

    def __init__(self, path: Path) -> None:
        self.reader = GGUFReader(path)
        self.architecture = str(self._field("general.architecture"))
        if self.architecture not in _ARCHITECTURES:
            known = ", ".join(_ARCHITECTURES)
            raise ConfigError(
                f"the architecture {self.architecture!r} cannot be exported to GGUF (only {known}); "
                "serve the safetensors with vLLM instead"
            )
        self.queries = int(self._of_architecture("attention.head_count"))
        self.keys = int(self._of_architecture("attention.head_count_kv"))
        self.kept = [tensor for tensor in self.reader.tensors if tensor.name == _FROM_TEMPLATE]
        number = {name: number for number, name in gguf.MODEL_ARCH_NAMES.items()}[self.architecture]
        self._names = gguf.get_tensor_name_map(number, int(self._of_architecture("block_count")))

    def name(self, name: str) -> str:
        """The name that llama.cpp has for a tensor of transformers."""
        found = self._names.get_name(name, try_suffixes=(".weight", ".bias"))
        if found is None:
            raise ConfigError(f"llama.cpp has no name for the weights {name!r} of a {self.architecture} model")
        return str(found)

    def ordered(self, name: str, weights: Array) -> Array:
        """The rows in the order in which llama.cpp wants them."""
        if self.architecture in _ROTATED:
            if name.endswith(("q_proj", "q_proj.weight", "q_proj.bias")):
                return _interleaved(weights, self.queries)
            if name.endswith(("k_proj", "k_proj.weight", "k_proj.bias")):
                return _interleaved(weights, self.keys)
        return weights

    def copy_settings(self, writer: GGUFWriter, precision: Precision) -> None:
        """Tokenizer, chat template and all the numbers, but for the one that tells the precision."""
        for field in self.reader.fields.values():
            # The first the writer has written already; the others are no fields of the file, but counts of it.
            if field.name == "general.architecture" or field.name.startswith("GGUF."):
                continue
            value = int(_FILE_TYPES[precision]) if field.name == "general.file_type" else field.contents()
            item_type = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
            writer.add_key_value(field.name, value, field.types[0], sub_type=item_type)

    def _field(self, name: str) -> Any:
        field = self.reader.fields.get(name)
        if field is None:
            raise ConfigError(f"the GGUF file of the base has no field {name!r}; take one that llama.cpp can load")
        return field.contents()

    def _of_architecture(self, name: str) -> Any:
        return self._field(f"{self.architecture}.{name}")


def write_model(
    template: Template, folder: Path, target: Path, precision: Precision, on_written: OnWritten = _ignore
) -> None:
    """Write whole weights. One tensor at a time is in memory; `on_written` hears how many bytes it became."""
    writer = GGUFWriter(target, template.architecture)
    try:
        template.copy_settings(writer, precision)
        _announce(writer, template, folder, precision)
        for name, weights in _tensors(folder, _MODEL_FILES):
            kind = _kind(weights.shape, precision)
            writer.write_tensor_data(gguf.quants.quantize(template.ordered(name, weights), kind))
            on_written(_bytes(weights.shape, kind))
        for tensor in template.kept:
            writer.write_tensor_data(tensor.data)
    finally:
        writer.close()


def exported_size(folder: Path, precision: Precision) -> int:
    """How many bytes the weights of a folder become."""
    shapes = (shape for _, shape in _tensors(folder, _MODEL_FILES, read=False))
    return sum(_bytes(shape, _kind(shape, precision)) for shape in shapes)


def count_parameters(folder: Path) -> int:
    """How many weights the model in a folder has."""
    return sum(int(np.prod(shape)) for _, shape in _tensors(folder, _MODEL_FILES, read=False))


def write_adapter(template: Template, folder: Path, target: Path) -> None:
    """Write an adapter of peft. llama.cpp adds it to the base as it computes, so it loads the base once for many."""
    settings = json.loads((folder / "adapter_config.json").read_text())
    _refuse_unknown(settings)
    writer = GGUFWriter(target, template.architecture)
    try:
        writer.add_type(gguf.GGUFType.ADAPTER)
        writer.add_string(gguf.Keys.Adapter.TYPE, "lora")
        writer.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(settings["lora_alpha"]))
        for name, weights in _tensors(folder, "adapter_model.safetensors"):
            layer, _, side = name.removeprefix("base_model.model.").removesuffix(".weight").rpartition(".lora_")
            # Only the second of the two matrices has the rows of the layer's output.
            ordered = template.ordered(layer, weights) if side == "B" else weights
            writer.add_tensor(f"{template.name(layer)}.weight.lora_{side.lower()}", np.ascontiguousarray(ordered))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
    finally:
        writer.close()


def _announce(writer: GGUFWriter, template: Template, folder: Path, precision: Precision) -> None:
    """The file begins with a list of all tensors, before the first one."""
    written = {tensor.name for tensor in template.kept}
    for name, shape in _tensors(folder, _MODEL_FILES, read=False):
        kind = _kind(shape, precision)
        written.add(template.name(name))
        size = _bytes(shape, kind)
        writer.add_tensor_info(template.name(name), shape, np.dtype(np.float32), size, raw_dtype=kind)
    for tensor in template.kept:
        writer.add_tensor_info(tensor.name, list(tensor.data.shape), tensor.data.dtype, tensor.data.nbytes)
    missing = {tensor.name for tensor in template.reader.tensors} - written
    if missing:
        raise ConfigError(f"the trained model lacks weights that its base has: {', '.join(sorted(missing)[:5])}")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()


def _tensors(folder: Path, pattern: str, read: bool = True) -> Iterator[tuple[str, Any]]:
    """Names with weights in full precision, or with shapes only."""
    for path in _files(folder, pattern):
        for name, tensor in SafetensorsLocal(path).tensors.items():
            if not name.endswith(_WORKED_OUT):
                yield name, _weights(name, tensor) if read else list(tensor.shape)


def _files(folder: Path, pattern: str) -> list[Path]:
    """Those that the index names, if there is one: beside them there may be the same weights as a whole."""
    if pattern == _MODEL_FILES and (folder / _INDEX).exists():
        named = json.loads((folder / _INDEX).read_text())["weight_map"].values()
        return [folder / Path(name).name for name in sorted(set(named))]  # a name could lead out of the folder
    return sorted(folder.glob(pattern))


def _weights(name: str, tensor: LocalTensor) -> Array:
    if tensor.dtype not in _FLOATS:
        raise ConfigError(f"the weights {name!r} are of type {tensor.dtype}; take the model with its original weights")
    numbers = tensor.mmap_bytes().view(_FLOATS[tensor.dtype]).reshape(tensor.shape)
    if tensor.dtype == "BF16":
        return (numbers.astype(np.uint32) << 16).view(np.float32)
    return numbers.astype(np.float32)


def _interleaved(weights: Array, heads: int) -> Array:
    """transformers rotates the halves of a head against each other, llama.cpp each two neighbours."""
    halves = weights.reshape(heads, 2, weights.shape[0] // heads // 2, *weights.shape[1:])
    return np.ascontiguousarray(halves.swapaxes(1, 2).reshape(weights.shape))


def _kind(shape: Any, precision: Precision) -> GGMLQuantizationType:
    if len(shape) < 2:
        return GGMLQuantizationType.F32
    if precision == "Q8_0" and shape[-1] % _BLOCK == 0:
        return GGMLQuantizationType.Q8_0
    return GGMLQuantizationType.F16


def _bytes(shape: Any, kind: GGMLQuantizationType) -> int:
    block, size = gguf.GGML_QUANT_SIZES[kind]
    return int(np.prod(shape)) // block * size


def _refuse_unknown(settings: dict[str, Any]) -> None:
    for name in ("use_dora", "use_rslora", "modules_to_save", "rank_pattern", "alpha_pattern"):
        if settings.get(name):
            raise ConfigError(f"llama.cpp knows no adapters with {name!r}: train without it, or export full weights")
