"""Other people's clients of OpenAI's API, each against a real server."""
