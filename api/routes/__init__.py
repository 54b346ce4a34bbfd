"""HTTP routes, one module a resource; each has a `router`."""
