"""What a list of the log costs at ten thousand, a million and ten million interactions, and what a write costs."""
