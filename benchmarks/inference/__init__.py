"""Local inference: what the engine adds to llama.cpp's own server."""
