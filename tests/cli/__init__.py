"""Tests of the command line, in this process and against a real engine."""
