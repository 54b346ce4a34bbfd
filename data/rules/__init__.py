"""Rulebooks of life circles: read from a file, kept in the database by code and version, written back to a file."""
