"""Network architectures and their pretrained starts."""
