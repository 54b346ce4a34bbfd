"""Opening hours: `reading` understands the text, `spans` says when it is open, `words` tells it to people."""
