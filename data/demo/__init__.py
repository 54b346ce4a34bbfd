"""The two demo cities."""
