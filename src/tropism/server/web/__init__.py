"""The way in and out: HTTP, what browsers send, who calls, and the OpenAPI document."""
