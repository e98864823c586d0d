"""The files in `deploy/` are true: what they name exists, and what they render is what a cluster takes."""
