"""From the bytes of a file to an RGB image."""

from emotion.image.decoding import ImageError, decode_image

__all__ = ["ImageError", "decode_image"]
