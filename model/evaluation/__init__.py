"""Measuring networks: test splits, photographs, corruptions, baselines."""
