"""Decoder-only language models as workloads.

    config         ``DecoderConfig``: the model's shape
    hugging_face   ``config.json`` files, and the zoo in ``models/``: ``load_model("llama2-7b")``
    operators      one block as operators with shapes, and the embedding and head around the blocks
    parameters     the weights by name, and how many there are

Operators carry shapes only; no weights are needed.
"""

from hwsim.workload.decoder.config import DecoderConfig
from hwsim.workload.decoder.hugging_face import from_hugging_face, load_model, model_names
from hwsim.workload.decoder.operators import Operator, embedding_operators, head_operators, operators

__all__ = [
    "DecoderConfig",
    "Operator",
    "embedding_operators",
    "from_hugging_face",
    "head_operators",
    "load_model",
    "model_names",
    "operators",
]
