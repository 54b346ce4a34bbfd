"""Use cases: no HTTP in, no HTTP out; errors are `api.errors`."""
