"""The catalogue: import, storage and search of tracks."""
