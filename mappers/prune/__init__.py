"""Pruning: one-shot magnitude pruning of given weights, and N:M sparse training (needs PyTorch).

    magnitude.py   N:M, unstructured and random pruning of a network's weights
    methods.py     the training methods: what is pruned in which direction, and when
    selection.py   the rule of hwsim.sparsity.nm, compiled for training
    layers.py      linear and convolution with pruned weights in FF and BP (PyTorch)
    networks.py    narrow ResNet-9 and small ViT (PyTorch)
    data.py        real images: scikit-learn's digits
    recipe.py      what one training is, and all trainings of a table
    train.py       one training (PyTorch)
    campaign.py    all trainings of a table, resumable
    table.py       the table: mean and spread
    picture.py     its figure
    patterns.py    trained weights and masks as files, for simulator and RTL; NumPy only

Importing this package needs no PyTorch.
"""

from mappers.prune.magnitude import (
    REDUCTION,
    SMALLEST_K,
    LayerRecord,
    LeaveDense,
    PrunedLayer,
    magnitude_mask,
    prune_nm,
    prune_unstructured,
    random_nm,
)

__all__ = [
    "REDUCTION",
    "SMALLEST_K",
    "LayerRecord",
    "LeaveDense",
    "PrunedLayer",
    "magnitude_mask",
    "prune_nm",
    "prune_unstructured",
    "random_nm",
]
