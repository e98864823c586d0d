"""Which errors say that the database itself does not work, and not that somebody asked it something wrong."""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError


def is_away(error: Exception) -> bool:
    """Whether it is worth another try later: the connection broke, none could be made, or a disk is full."""
    return isinstance(error, OperationalError | InterfaceError) or (
        isinstance(error, DBAPIError) and error.connection_invalidated
    )


def reason(error: Exception) -> str:
    """The driver's own words."""
    return str(getattr(error, "orig", None) or error).strip()
