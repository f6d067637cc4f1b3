"""Random changes to images that keep the expression, on any Keras backend."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

BLUR_RADIUS_PX = 3
"""Pixels to either side that a blurred pixel is made of."""


@keras.saving.register_keras_serializable("affectune")
class RandomAugmentation(keras.layers.Layer):
    """Mirror, rotate, scale, shift, blur, relight, erase, add noise; the identity outside training.

    One affine map an image carries mirror, rotation, scale and shift, so that an image is
    resampled once. Written in ``keras.ops``: the layer sits at the head of the training model
    and runs where that runs, on TensorFlow, JAX or torch.

    Args:
        rotation: largest turn to either side, degrees.
        scale: largest relative change of size, 0-1.
        shift: largest shift along each axis, as a fraction of the side, 0-1.
        brightness: largest change of the mean, as a fraction of the range 0-255.
        contrast: largest relative change of the contrast, 0-1.
        erase: chance that a rectangle of 2-20 % of the area is filled with grey
            (random erasing, Zhong et al. 2020), 0-1.
        noise: largest standard deviation of Gaussian noise, intensities 0-255; half of the images
            get none, and the rest any up to it. Cameras in the dark are noisy, FER-2013 is not.
        blur: largest standard deviation of a Gaussian blur, pixels, 0-1.5; half of the images
            get none, and the rest any up to it. A face cropped from a photo is softer than
            FER-2013's, and the smaller it was, the softer.
        edge: what lies beyond the edge of a moved image: the edge repeated ("nearest"), as in
            `emotion.crop`, or black ("constant").
        seed: seed of the layer's own generator.

    Input and output: float32 or uint8 ``(N, H, W, 1)`` in 0-255; float32 comes out.
    """

    def __init__(
        self,
        *,
        rotation: float = 15.0,
        scale: float = 0.25,
        shift: float = 0.10,
        brightness: float = 0.15,
        contrast: float = 0.25,
        erase: float = 0.5,
        noise: float = 0.0,
        blur: float = 0.0,
        edge: str = "nearest",
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.rotation = rotation
        self.scale = scale
        self.shift = shift
        self.brightness = brightness
        self.contrast = contrast
        self.erase = erase
        self.noise = noise
        self.blur = blur
        self.edge = edge
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)

    @classmethod
    def of_strength(
        cls, strength: float, *, scale: float = 0.25, **kwargs: Any
    ) -> RandomAugmentation:
        """Return the layer with geometric and lighting changes scaled by ``strength``.

        Rotation, shift, brightness and contrast are their defaults times ``strength``, and the
        change of size is ``scale`` times it. Erasing, noise and blur do not depend on it.
        """
        return cls(
            rotation=15.0 * strength,
            scale=scale * strength,
            shift=0.10 * strength,
            brightness=0.15 * strength,
            contrast=0.25 * strength,
            **kwargs,
        )

    def get_config(self) -> dict[str, Any]:
        moves, lights = ("rotation", "scale", "shift"), ("brightness", "contrast")
        names = (*moves, *lights, "erase", "noise", "blur", "edge", "seed")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}

    def call(self, images: Any, training: bool = False) -> Any:
        images = ops.cast(images, "float32")
        if not training:
            return images
        images = self._move(images)
        if self.blur:
            images = self._soften(images)
        images = self._light(images)
        images = self._erase(images)
        return self._add_noise(images) if self.noise else images

    def _uniform(self, count: Any, low: float, high: float) -> Any:
        return keras.random.uniform((count,), low, high, seed=self.generator)

    def _move(self, images: Any) -> Any:
        count, height, width = ops.shape(images)[:3]
        turn = self._uniform(count, -self.rotation, self.rotation) * (3.141592653589793 / 180)
        zoom = self._uniform(count, 1 - self.scale, 1 + self.scale)
        mirror = ops.where(self._uniform(count, 0.0, 1.0) < 0.5, -1.0, 1.0)
        cosine, sine = ops.cos(turn) / zoom, ops.sin(turn) / zoom
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        shift_x = self._uniform(count, -self.shift, self.shift) * width
        shift_y = self._uniform(count, -self.shift, self.shift) * height
        # Each row maps an output position to the input position it is read from, about the middle.
        a0, a1 = mirror * cosine, -mirror * sine
        b0, b1 = sine, cosine
        a2 = middle_x - a0 * (middle_x + shift_x) - a1 * (middle_y + shift_y)
        b2 = middle_y - b0 * (middle_x + shift_x) - b1 * (middle_y + shift_y)
        nothing = ops.zeros_like(a0)
        maps = ops.stack([a0, a1, a2, b0, b1, b2, nothing, nothing], axis=1)
        return ops.image.affine_transform(
            images,
            maps,
            interpolation="bilinear",
            fill_mode=self.edge,
            data_format="channels_last",
        )

    def _soften(self, images: Any) -> Any:
        count, height, width = ops.shape(images)[:3]
        deviation = ops.maximum(self._uniform(count, -self.blur, self.blur), 1e-3)
        distance = ops.arange(-BLUR_RADIUS_PX, BLUR_RADIUS_PX + 1, dtype="float32")
        weights = ops.exp(-0.5 * (distance[None] / deviation[:, None]) ** 2)
        weights = (weights / ops.sum(weights, axis=1, keepdims=True))[:, None, None, :]
        edge, none = (BLUR_RADIUS_PX, BLUR_RADIUS_PX), (0, 0)
        taps = range(2 * BLUR_RADIUS_PX + 1)
        wide = ops.pad(images, (none, edge, none, none), mode="reflect")
        images = sum(wide[:, i : i + height] * weights[..., i : i + 1] for i in taps)
        wide = ops.pad(images, (none, none, edge, none), mode="reflect")
        return sum(wide[:, :, i : i + width] * weights[..., i : i + 1] for i in taps)

    def _light(self, images: Any) -> Any:
        count = ops.shape(images)[0]
        gain = self._uniform(count, 1 - self.contrast, 1 + self.contrast)[:, None, None, None]
        lift = self._uniform(count, -self.brightness, self.brightness)[:, None, None, None]
        mean = ops.mean(images, axis=(1, 2, 3), keepdims=True)
        return ops.clip((images - mean) * gain + mean + 255.0 * lift, 0.0, 255.0)

    def _add_noise(self, images: Any) -> Any:
        count = ops.shape(images)[0]
        deviation = ops.maximum(self._uniform(count, -self.noise, self.noise), 0.0)
        grain = keras.random.normal(ops.shape(images), seed=self.generator)
        return ops.clip(images + deviation[:, None, None, None] * grain, 0.0, 255.0)

    def _erase(self, images: Any) -> Any:
        count, height, width = ops.shape(images)[:3]
        area = self._uniform(count, 0.02, 0.20) * height * width
        aspect = ops.exp(self._uniform(count, -0.9, 0.9))
        tall, wide = ops.sqrt(area * aspect) / 2, ops.sqrt(area / aspect) / 2
        centre_y = self._uniform(count, 0.0, 1.0) * height
        centre_x = self._uniform(count, 0.0, 1.0) * width
        rows = ops.arange(height, dtype="float32")[None, :]
        columns = ops.arange(width, dtype="float32")[None, :]
        in_rows = ops.abs(rows - centre_y[:, None]) < tall[:, None]
        in_columns = ops.abs(columns - centre_x[:, None]) < wide[:, None]
        chosen = self._uniform(count, 0.0, 1.0) < self.erase
        hole = ops.logical_and(in_rows[:, :, None], in_columns[:, None, :])
        hole = ops.logical_and(hole, chosen[:, None, None])[..., None]
        grey = self._uniform(count, 0.0, 255.0)[:, None, None, None]
        return ops.where(hole, grey, images)
