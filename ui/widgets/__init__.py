"""Custom components, a folder each."""
