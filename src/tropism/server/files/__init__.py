"""Big files: where they are kept, and how those of models come to a machine."""
