"""Running models: which run where, who may ask them, and how they fare."""
