"""Networks as graphs of GEMM-like operators: model zoo, importers, weights and real networks.

    geometry        convolutions as GEMMs: ``ConvGeometry``, ``im2col``, ``conv_weight_matrix`` (the order of K)
    graph           ``Operator``, ``Workload``
    builder         ``NetworkBuilder``: writes a workload layer by layer
    zoo             known networks by name: ``zoo.build("resnet50", batch=1)``
    scalesim_csv    SCALE-Sim topology files
    onnx_import     ONNX models: workload and weights
    weights_io      a user's own weight matrices: .npy, .npz, .safetensors, .onnx
    torch_pickle    PyTorch checkpoints without PyTorch
    networks        real trained networks with a NumPy executor

Importing this package loads NumPy only; networkx, onnx, safetensors and SciPy are loaded by what needs them.
"""

from .geometry import ConvGeometry, conv_output, conv_weight_matrix, im2col, same_padding
from .graph import ACTIVATIONS, KINDS, Operator, Workload

__all__ = [
    "ACTIVATIONS",
    "KINDS",
    "ConvGeometry",
    "Operator",
    "Workload",
    "conv_output",
    "conv_weight_matrix",
    "im2col",
    "same_padding",
]
