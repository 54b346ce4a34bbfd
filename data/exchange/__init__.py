"""Plans as files and back: GeoPackage, zipped Shapefile, CSV equivalence file; a round trip loses nothing."""
