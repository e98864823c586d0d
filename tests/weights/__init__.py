"""Models from elsewhere, brought into a form that is served."""
