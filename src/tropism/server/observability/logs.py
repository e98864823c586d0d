"""How the server's log looks: lines for people, or one JSON object a line. Both name the request, not its content."""

from __future__ import annotations

import logging
from datetime import UTC, datetime

import msgspec

from tropism.server.observability.observing import REQUEST_ID
from tropism.server.settings import Settings

_encode = msgspec.json.Encoder(enc_hook=str).encode


def set_up(settings: Settings) -> None:
    """Log to standard error as the settings say."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if settings.log_format == "json" else Lines())
    logging.basicConfig(handlers=[handler], force=True)
    logging.getLogger("tropism.requests").setLevel(logging.INFO if settings.log_requests else logging.WARNING)


class Lines(logging.Formatter):
    """For people."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(name)s %(levelname)s %(message)s%(request)s")

    def format(self, record: logging.LogRecord) -> str:
        fields = getattr(record, "fields", {})
        id = fields.get("request_id") or REQUEST_ID.get()
        more = f" {fields['ms']} ms" if "ms" in fields else ""
        record.request = f"{more} [{id}]" if id else more
        return super().format(record)


class JsonLines(logging.Formatter):
    """For programs."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if id := REQUEST_ID.get():
            line["request_id"] = id
        line |= getattr(record, "fields", {})
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return _encode(line).decode()
