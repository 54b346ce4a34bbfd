"""What notices and reports are made with: pages that open offline, maps true to scale, and the typesetter."""
