"""Offline evaluation: metrics, baselines, tuning, simulation. The app loads none of it."""
