"""Settings are read from the environment as they are documented."""

from __future__ import annotations

import pytest

from tropism.server.settings import Settings, from_environment


def test_an_empty_environment_leaves_the_defaults() -> None:
    assert from_environment({}) == Settings()


def test_arguments_are_read_as_a_shell_reads_them() -> None:
    read = from_environment({"TROPISM_VLLM": " /opt/vllm ", "TROPISM_VLLM_ARGS": "-pp 2 --chat-template 'a b'"})
    assert (read.vllm, read.vllm_args) == ("/opt/vllm", ("-pp", "2", "--chat-template", "a b"))
    with pytest.raises(ValueError, match="TROPISM_VLLM_ARGS cannot be read as a shell reads words"):
        from_environment({"TROPISM_VLLM_ARGS": "'"})
