"""What the public map tells of a city: its places, when they are open, what to bring, how far they are on foot."""
