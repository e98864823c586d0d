"""Everything that crosses the network: the structs, and the table of endpoints that server, SDK and OpenAPI share."""
