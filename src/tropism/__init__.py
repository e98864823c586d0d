"""Tropism: an open, self-hosted platform on which language models grow towards what their users want."""
