"""Video: tracking, smoothing and scheduling of live readings."""
