"""Processes: the one that serves, its siblings, and those that work beside it."""
