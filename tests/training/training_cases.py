"""Small machines and networks that the tests of training share."""

from hwsim.memory import Dram
from hwsim.nm_array.config import NmArrayConfig
from hwsim.sore.config import SoreConfig
from hwsim.sparsity.ratio import Ratio
from hwsim.training.machine import TrainingMachine
from hwsim.workload.builder import NetworkBuilder
from hwsim.workload.zoo_training import TrainingNetwork
from hwsim.wuve.config import WuveConfig

RATIO = Ratio(2, 4)


def small_machine(**changes):
    """A 4 x 4 array of FP16 PEs with both dataflows."""
    array = NmArrayConfig(rows=4, cols=4, data_type="fp16", dataflow="both", ratios=(RATIO,), tile_depth=16,
                          a_slots=4, w_slots=4, o_depth=64)
    given = {"array": array, "dram": Dram.preset("ddr4-2400-x64"), "sore": SoreConfig(lanes=8, ratios=(RATIO,)),
             "wuve": WuveConfig(lanes=8), "line_bytes": 4096}
    return TrainingMachine(**{**given, **changes})


def tiny_workload(batch):
    """Three convolutions, one with stride, and a classifier."""
    net = NetworkBuilder("tiny")
    x = net.conv("first", net.image(batch, 8, 8), 8, activation="relu")
    x = net.conv("second", x, 12, stride=2, activation="relu")
    x = net.conv("third", x, 8, 1, activation="relu")
    net.linear("fc", net.global_pool("pool", x), 5)
    return net.build()


TINY = TrainingNetwork(name="tiny", data="none", build=tiny_workload, batch_norm=True, assumed="all of it")
