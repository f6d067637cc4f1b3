"""What the pages are made of, a folder a subject."""
