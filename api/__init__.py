"""The thin HTTP edge: settings, routes, services, errors, live stream."""
