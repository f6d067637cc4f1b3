"""Training, calibration and export."""
