"""What a database says of an error is logged, with the statement; what was said by users is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from tropism.server.database.engines import engines
from tropism.testing.database import database_of

PLANTED = "PLANTED-prompt-0123456789"


@pytest.mark.parametrize("which", [0, 1], ids=["writer", "reader"])
def test_an_error_does_not_repeat_what_was_to_be_stored(tmp_path: Path, which: int) -> None:
    both = engines(database_of(tmp_path))
    with both[0].connect():
        pass
    with both[which].connect() as connection, pytest.raises(SQLAlchemyError) as raised:
        connection.execute(text("select * from nowhere where said = :said"), {"said": PLANTED})
    for engine in both:
        engine.dispose()
    assert "nowhere" in str(raised.value)
    assert PLANTED not in str(raised.value)
