"""The playlist page and the player."""
