"""Deleting, ageing out and blotting out what people said."""
