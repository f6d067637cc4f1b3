"""The model card, the notebooks and the table of experiments."""
