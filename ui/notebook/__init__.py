"""The notebook page."""
