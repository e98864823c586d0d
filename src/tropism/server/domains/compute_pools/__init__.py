"""Compute pools: who works where."""
