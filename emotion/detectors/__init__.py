"""Face detectors: one protocol, one factory, four detectors."""
