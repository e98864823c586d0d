"""The database: connections, transactions, the one writer, and migrations."""
