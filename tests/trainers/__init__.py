"""Trainers on a tiny model: that they learn, stop, go on and fail as promised."""
