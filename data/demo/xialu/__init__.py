"""下陆区 sample: an invented city inside a real outline, with the real names and codes of its communities.

`city.build_city` makes the layers, `city.write_layers` writes them as a GeoPackage that `yiwangtu import` reads,
`incidents.next_incident` makes the live trickle. Everything but `outline.geojson` and `communities.csv` is invented.
"""
