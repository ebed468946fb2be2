"""Real images that a package brings along: scikit-learn's handwritten digits (1,797 of 8 x 8 pixels, 10 classes).

Source: UCI "Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak), CC BY 4.0; no download.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hwsim.errors import InputError

SPLIT_SEED = 0
"""The same half of the images is held out in every training, whatever its seed."""
CLASSES = 10
SOURCE = "scikit-learn digits: 1,797 images of 8 x 8 pixels, 10 classes, half of each class held out"


@dataclass(frozen=True, eq=False)
class Images:
    """Images (count, 1, 8, 8) float32 of zero mean and unit variance, and labels (count,) int64, by part."""

    train: npt.NDArray[np.float32]
    train_labels: npt.NDArray[np.int64]
    test: npt.NDArray[np.float32]
    test_labels: npt.NDArray[np.int64]


def digits() -> Images:
    """The digits, half for training, half for testing, each class halved.

    Raises:
        InputError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError:
        raise InputError("digits", 'scikit-learn (pip install "hwsim[training]")', "no module sklearn") from None
    bunch: Any = load_digits()
    labels = np.asarray(bunch.target, np.int64)
    held_out = held_out_half(labels, SPLIT_SEED)
    pixels = np.asarray(bunch.images, np.float32)[:, None]
    mean, deviation = pixels[~held_out].mean(), pixels[~held_out].std()
    pixels = (pixels - mean) / deviation
    return Images(pixels[~held_out], labels[~held_out], pixels[held_out], labels[held_out])


def held_out_half(labels: npt.NDArray[np.int64], seed: int) -> npt.NDArray[np.bool_]:
    """Which images are held out: half of each class, the odd one for testing."""
    rng = np.random.default_rng(seed)
    held_out = np.zeros(labels.size, bool)
    for label in np.unique(labels):
        members = rng.permutation(np.flatnonzero(labels == label))
        held_out[members[members.size // 2:]] = True
    return held_out


def shifted(images: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Half of the images (count, 1, h, w) moved by -1, 0 or 1 pixels in both directions; border pixels fill up."""
    count, _, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), mode="edge")
    down, right = np.where(rng.random(count) < 0.5, rng.integers(0, 3, (2, count)), 1)
    rows = down[:, None] + np.arange(height)
    columns = right[:, None] + np.arange(width)
    return padded[np.arange(count)[:, None, None], 0, rows[:, :, None], columns[:, None, :]][:, None]
