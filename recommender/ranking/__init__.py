"""From candidates to picks: score, select, explain."""
