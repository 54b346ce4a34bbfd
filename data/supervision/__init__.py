"""What is told before and after deadlines: `rules` when and whom, `steps` counts, `watch` writes; rules of whistles."""
