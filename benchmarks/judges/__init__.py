"""How well judges judge, on a small labelled set."""
