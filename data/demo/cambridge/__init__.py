"""Cambridge, Massachusetts: real open data of one city, trimmed; see SOURCE.md."""
