"""How long it takes to begin: importing the client, starting the engine; and what an idle engine holds."""
