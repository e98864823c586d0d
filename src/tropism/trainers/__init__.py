"""Trainers: processes that read a run's folder, make a model better, and say how it goes as lines of JSON."""
