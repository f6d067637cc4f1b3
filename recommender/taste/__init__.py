"""What a listener likes, learned from feedback."""
