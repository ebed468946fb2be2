"""A small perceptron and its data, for the tests of this folder."""

import numpy as np

from hwsim.floats import FORMATS, round_to
from hwsim.sparsity.ratio import Ratio
from hwsim.training_core.config import TrainingCoreConfig
from hwsim.training_core.work import Layer, Task
from hwsim.wuve.update import Hyperparameters

SMALL = TrainingCoreConfig(rows=2, cols=4, multipliers=1, ratios=("2:4",), tile_depth=8, o_depth=16, sum_stages=2)
PARAMETERS = Hyperparameters(learning_rate=0.125, momentum=0.875, weight_decay=2.0**-9, sparse_decay=2.0**-8,
                             gradient_scale=2.0**-6)


def perceptron(config, sizes, batch, seed, ratio="2:4", parameters=PARAMETERS):
    """Layers of the given sizes with random weights and momentum, and a task for them."""
    rng = np.random.default_rng(seed)

    def normal(*shape, scale=1.0):
        return (scale * rng.normal(size=shape)).astype(np.float32)

    layers = [Layer(weight=normal(i, o, scale=i**-0.5), momentum=normal(i, o, scale=0.05), ratio=Ratio.parse(ratio))
              for i, o in zip(sizes, sizes[1:], strict=False)]
    x = round_to(FORMATS[config.data_type], normal(batch, sizes[0])).astype(np.uint16)
    return layers, Task(x=x, target=normal(batch, sizes[-1]), parameters=parameters)
