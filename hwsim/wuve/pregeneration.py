"""Pre-generation: the N:M weights of the next pass come with the weight update, WUVE's results going straight to SORE.

The facts are of SAT (arXiv 2309.13015, IEEE TCAD 2023), where it hides SORE's latency; the wiring here is ours. A row
of new weights leaves WUVE in one cycle for two places, memory (master weights, momentum) and SORE.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hwsim.errors import InputError
from hwsim.network import Network
from hwsim.sore import model as sore_model
from hwsim.sore.config import SoreConfig
from hwsim.sore.slices import Slice
from hwsim.sparsity.ratio import Ratio
from hwsim.wuve import model as wuve_model
from hwsim.wuve.config import WuveConfig
from hwsim.wuve.model import Bools
from hwsim.wuve.reference import reference
from hwsim.wuve.update import Update


def check_pair(wuve: WuveConfig, sore: SoreConfig) -> None:
    """Refuse engines that do not fit together.

    Raises:
        InputError: other lanes, or another data type.
    """
    for name in ("lanes", "data_type"):
        if getattr(wuve, name) != getattr(sore, name):
            raise InputError(f"sore.{name}", f"WUVE's {getattr(wuve, name)}", getattr(sore, name))


def slice_of(update: Update, sore: SoreConfig, ratio: Ratio, *, forward: bool = True, backward: bool = True) -> Slice:
    """The slice that SORE sees of an update: each beat of WUVE is a row of W, its lanes neighbouring output channels.

    Raises:
        InputError: engines that do not fit together, or a slice that SORE cannot take.
    """
    check_pair(update.config, sore)
    return Slice(config=sore, ratio=ratio, bits=reference(update).compute, forward=forward, backward=backward)


def beat_network(updates: Sequence[Update], slices: Sequence[Slice], offer: Mapping[str, Bools] | None = None,
                 ready: Mapping[str, Bools] | None = None) -> Network:
    """Both engines, one firing per transfer of each port.

    Args:
        updates: of one WUVE, in order.
        slices: of one SORE, in order; their rows are the updates' beats, cut anywhere.
        offer: by input port (``u`` hyper-parameters, ``i`` operands, ``p`` slices): when its source may begin to offer.
        ready: by output port (``o`` updated tensors, ``f``, ``b`` selected weights): when its sink is ready.

    Returns:
        Processes ``wuve.p`` (port ``u``), ``wuve.i``, ``wuve.o`` (SORE's rows too), ``sore.p``, ``sore.f``, ``sore.b``.

    Raises:
        InputError: more rows in the slices than beats in the updates, or fewer.
    """
    beats, rows = sum(update.beats for update in updates), sum(part.rows for part in slices)
    if beats != rows:
        raise InputError("slices", f"{beats} rows, one for each beat of the updates", rows)
    gates, sinks, net = offer or {}, ready or {}, Network("wuve and sore, by beats")
    given = {port: gates[name] for port, name in (("p", "u"), ("i", "i")) if name in gates}
    wuve_model.add_engine(net, updates, given, sinks.get("o"), prefix="wuve.")
    sore_model.add_engine(net, slices, gates, sinks, rows="wuve.o", prefix="sore.")
    return net
