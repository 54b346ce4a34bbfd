"""多网合一 in files and in the database: grid layers that are merged, and every unit's old codes beside its new one."""
