"""Methods of N:M sparse training: which direction prunes the weights, when, and what happens to the pruned ones.

A layer keeps dense master weights W. FF multiplies by W pruned N:M along the input channels (the reduction of FF), BP
by W pruned N:M along the output channels (the reduction of BP), each only where the method says so; WU is always
dense. What is kept: the N largest |w| of each group, the lower position among equals (`hwsim.sparsity.nm.nm_mask`).
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.errors import InputError

FF_AXIS, BP_AXIS = 1, 0
"""Axes of the master weight, (out, in, ...), that FF and BP reduce over."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One method. Progress is the fraction of the training's steps that are done, 0 to 1.

    Args:
        name: on the command line and in results.
        title: in tables and figures.
        forward: FF uses pruned weights; BP then uses the same ones unless ``backward``.
        backward: BP uses weights pruned along its own reduction.
        penalty: lambda of SR-STE: gradient lambda · w on the weights that FF prunes.
        fade_from: progress from which FF multiplies the pruned weights by a falling factor.
        pruned_from: progress from which that factor is 0. Equal to ``fade_from``: pruned at once.
        fixed: the mask is chosen once, at ``pruned_from``, the pruned weights stay 0, and the learning rate's schedule
            starts again there.
        source: paper, and what is ours.
    """

    name: str
    title: str
    forward: bool = False
    backward: bool = False
    penalty: float = 0.0
    fade_from: float = 0.0
    pruned_from: float = 0.0
    fixed: bool = False
    source: str

    @property
    def dense(self) -> bool:
        """Whether nothing is ever pruned."""
        return not (self.forward or self.backward)

    def residue(self, progress: float) -> float:
        """What FF multiplies the weights outside the mask by: 1 leaves them, 0 prunes them."""
        if not self.forward or progress < self.fade_from:
            return 1.0
        if progress >= self.pruned_from:
            return 0.0
        return (self.pruned_from - progress) / (self.pruned_from - self.fade_from)


METHODS = {
    method.name: method
    for method in (
        Method(name="dense", title="dense", source="no pruning"),
        Method(name="sr-ste", title="SR-STE", forward=True, penalty=2e-4,
               source="arXiv 2102.04010; lambda 2e-4 as in its public code"),
        Method(name="sdgp", title="SDGP-like", backward=True,
               source="after arXiv 2202.00774, which prunes the output gradients of BP; here BP's weights are pruned"),
        Method(name="bdwp", title="BDWP", forward=True, backward=True,
               source="arXiv 2309.13015: one master weight, a mask for each direction; no penalty term"),
        Method(name="decay", title="decaying mask", forward=True, fade_from=0.1, pruned_from=0.7,
               source="arXiv 2402.04744, linear mask decay; phases of 10 %, 60 % and 30 % of the steps are ours"),
        Method(name="asp", title="ASP", forward=True, fade_from=0.5, pruned_from=0.5, fixed=True,
               source="arXiv 2104.08378: train dense, prune once, train again; each half of the same total epochs"),
    )
}  # fmt: skip
"""By name, in the order of the tables."""


def method_of(name: str) -> Method:
    """The method of a name. Raises InputError for any other."""
    if name not in METHODS:
        raise InputError("method", f"one of {', '.join(METHODS)}", name)
    return METHODS[name]
