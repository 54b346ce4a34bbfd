"""Layers out of the database into files that import again as the same rows."""
