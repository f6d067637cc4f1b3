"""The web server that serves the pages."""
