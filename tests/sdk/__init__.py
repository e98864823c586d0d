"""Tests of the SDK: by hand, on a scripted socket, and against the real server."""
