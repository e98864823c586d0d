"""One package for each word of the API: its routes, its services, its queries."""
