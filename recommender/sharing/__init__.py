"""Playlists as links and as files."""
