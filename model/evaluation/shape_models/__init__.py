"""Active Shape and Active Appearance Models: how faces were read before neural networks.

`points` aligns shapes and models how they vary, `active_shape` and `appearance` fit such a model
to a new face, `training` makes both from FER-2013 for ``python -m model compare``, and `modes`
draws what they have learned.
"""
