"""Judges: what they score and how far they agree with people."""
