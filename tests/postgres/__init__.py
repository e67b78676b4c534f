"""Lists in a real PostgreSQL.  `make test-postgres` brings what this needs."""
