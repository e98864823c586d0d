"""The audit log: written with the change, readable, and not to be meddled with unseen."""
