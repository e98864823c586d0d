"""How large a file is, also while others write it, move it or take it away."""

from __future__ import annotations

from pathlib import Path


def size_so_far(file: Path) -> int:
    """Bytes of a file, and 0 where there is none. It is looked at once: between two looks, it may go."""
    try:
        return file.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0
