"""Spatial algorithms over arrays and frames: no database, no HTTP, no settings."""
