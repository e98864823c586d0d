"""The server: one process that serves the API, keeps the database and runs the engines."""
