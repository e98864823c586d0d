"""Models made elsewhere, brought into a form that is served here: chosen, downloaded, checked, converted."""
