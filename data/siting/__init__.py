"""Siting out of the database: what is asked, the answer, and how it is told."""
