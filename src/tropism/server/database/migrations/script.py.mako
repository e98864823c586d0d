"""${message}"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from tropism.server.database.types import Id, Json

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
is_breaking = False


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
