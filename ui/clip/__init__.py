"""Clips: a mood over time, from a video uploaded in place of a photo."""
