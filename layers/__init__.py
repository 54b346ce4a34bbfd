"""What each map layer is: fields, who sees them, zooms, style and tile query; one file a layer."""
