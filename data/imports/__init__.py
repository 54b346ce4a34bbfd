"""Files of layers into the database: read, mapped, checked, placed, and merged in one transaction."""
