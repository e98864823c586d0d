"""Runs `vllm serve` and ends with whoever started us: vLLM itself would go on, and hold the GPU.

The first line of standard input says what to run. When that input ends, for whatever reason, so do vLLM and all that it
has started. Two lines are said: its process id, and the code with which it has ended.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any


def main() -> None:
    """Everything runs in the process group that we lead, so that nothing of it is left over."""
    told: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    # A handler, and not SIG_IGN: that would be inherited.
    signal.signal(signal.SIGTERM, lambda *_: None)
    child = subprocess.Popen(told["command"], stdin=subprocess.DEVNULL, stdout=sys.stderr)
    _say(child.pid)
    threading.Thread(target=_end_with_parent, args=(child, told["seconds"]), daemon=True).start()
    _say(child.wait())
    os.killpg(0, signal.SIGKILL)


def _say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def _end_with_parent(child: subprocess.Popen[bytes], seconds: float) -> None:
    while sys.stdin.buffer.read(1024):
        pass
    os.killpg(0, signal.SIGTERM)
    last = time.monotonic() + seconds
    while child.poll() is None and time.monotonic() < last:
        time.sleep(0.05)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
