"""Spotify: sign-in and saving."""
