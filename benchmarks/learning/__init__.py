"""Does training help? Each method on the bundled model, before and after, beside the plain script of its library."""
