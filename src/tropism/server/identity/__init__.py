"""Who callers are and what they may do; how they prove it, and what is kept secret."""
