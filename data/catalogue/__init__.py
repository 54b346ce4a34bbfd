"""The catalogue of incidents: `categories` say what, `limits` how long it may take, `routing` whose it is."""
