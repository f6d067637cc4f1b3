"""Clips: a mood over time, read where a photo may be handed in."""
