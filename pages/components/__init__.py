"""What several pages draw, say and share. Nothing here is a page of its own."""
