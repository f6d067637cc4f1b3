"""Photos: upload, reading and correction."""
