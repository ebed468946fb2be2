"""Reads the workload that an experiment names, with its weights where there are some."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from hwsim.errors import InputError
from hwsim.sparsity.ratio import Ratio
from hwsim.workload import Operator, Workload
from hwsim.workload_choice import WorkloadChoice

if TYPE_CHECKING:
    from hwsim.workload.networks.real import RealNetwork


@dataclass(frozen=True, kw_only=True, eq=False)
class Source:
    """A workload ready to be pruned.

    Args:
        workload: its operators.
        weights: by operator name, (groups, K, N); None where only shapes are known.
        network: that runs, where real inputs are known too.
        ratios: that the file itself gives, by operator name.
        files: that were read.
    """

    workload: Workload
    weights: Mapping[str, npt.NDArray[Any]] | None = None
    network: RealNetwork | None = None
    ratios: Mapping[str, Ratio] = field(default_factory=dict)
    files: tuple[Path, ...] = ()


def read_source(choice: WorkloadChoice, folder: str | Path = ".") -> Source:
    """The workload of an experiment.

    Args:
        choice: what the experiment says.
        folder: that relative paths start from: the one of the experiment's file.
    """
    return _READERS[choice.source](choice, Path(folder))


def _zoo(choice: WorkloadChoice, folder: Path) -> Source:
    from hwsim.workload import zoo

    options = choice.parameters("batch", "resolution", "classes", "sequence", "context")
    return Source(workload=zoo.build(str(choice.zoo), **options))


def _network(choice: WorkloadChoice, folder: Path) -> Source:
    from hwsim.workload.networks import efficientnet_lite0, minilm

    if choice.network == "minilm":
        network = minilm.load(**choice.parameters("batch", "sequence"))
    elif choice.sequence is not None:
        raise InputError("workload.sequence", f"no sequence with {choice.network}, which reads images", choice.sequence)
    else:
        network = efficientnet_lite0.load(**choice.parameters("batch"))
    return Source(workload=network.workload, weights=network.weights, network=network)


def _onnx(choice: WorkloadChoice, folder: Path) -> Source:
    from hwsim.workload.onnx_import import import_onnx

    path = _file(folder, choice.onnx, "an ONNX file")
    dims = choice.dims.to_mapping() if choice.dims else None
    workload, weights = import_onnx(path, dims=dims, **choice.parameters("unsupported"))
    if not workload.gemms:
        raise InputError(str(path), "at least one operator with MACs", "none")
    return Source(workload=workload, weights=weights, files=(path,))


def _scalesim(choice: WorkloadChoice, folder: Path) -> Source:
    from hwsim.workload.scalesim_csv import read_topology

    path = _file(folder, choice.scalesim, "a topology file")
    topology = read_topology(path)
    ratios = {name: Ratio.parse(f"{n}:{m}", f"{path}: {name}") for name, (n, m) in topology.ratios.items()}
    return Source(workload=topology.workload, ratios=ratios, files=(path,))


def _weights(choice: WorkloadChoice, folder: Path) -> Source:
    from hwsim.workload.weights_io import SUFFIXES, load_weights

    path = _file(folder, choice.weights, "a file of weights")
    if path.suffix == ".onnx":
        listed = ", ".join(suffix for suffix in SUFFIXES if suffix != ".onnx")
        raise InputError(str(path), f"one of {listed} (an ONNX model is a workload of its own: onnx, --onnx)", ".onnx")
    other = "refuse" if path.suffix == ".npy" else "skip"  # files of many arrays hold biases and norms as well
    matrices = load_weights(path, other=other, **choice.parameters("layout"))
    if choice.layer is not None:
        if choice.layer not in matrices:
            raise InputError(f"{path}: layer", f"one of {', '.join(matrices)}", choice.layer)
        matrices = {choice.layer: matrices[choice.layer]}
    operators = tuple(
        Operator(name=name, kind="linear", m=choice.m_rows or 1, k=w.shape[1], n=w.shape[2], groups=w.shape[0])
        for name, w in matrices.items()
    )
    return Source(workload=Workload(name=path.stem, operators=operators), weights=matrices, files=(path,))


def _gemm(choice: WorkloadChoice, folder: Path) -> Source:
    shape = choice.gemm
    if shape is None:
        raise RuntimeError("wanted a gemm, got none")
    operator = Operator(name="gemm", kind="linear", m=shape.m, k=shape.k, n=shape.n, groups=shape.groups)
    return Source(workload=Workload(name=f"gemm-{shape}", operators=(operator,)))


_READERS: dict[str, Callable[[WorkloadChoice, Path], Source]] = {
    "zoo": _zoo,
    "network": _network,
    "onnx": _onnx,
    "scalesim": _scalesim,
    "weights": _weights,
    "gemm": _gemm,
}


def _file(folder: Path, name: str | None, wanted: str) -> Path:
    """The path, refused unless it is a file."""
    path = folder / (name or "")
    if not name or path.is_dir():
        raise InputError(str(path), wanted, "a directory" if name else "an empty name")
    if not path.exists():
        raise InputError(str(path), wanted, "no such file")
    return path
