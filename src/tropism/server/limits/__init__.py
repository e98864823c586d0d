"""What each caller may use: counted exactly in all processes together."""
