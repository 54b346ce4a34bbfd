"""PostGIS and files: the private cluster, migrations, import, export, the demo cities, the command line."""
