"""The Python SDK: every operation is written once and shown on a sync and on an async client."""
