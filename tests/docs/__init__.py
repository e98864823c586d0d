"""The docs are true: their code runs, their links lead somewhere, and nothing of the API is missing from them."""
