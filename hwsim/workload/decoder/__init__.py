"""Decoder-only language models as workloads.

    config         ``DecoderConfig``: the model's shape
    hugging_face   ``config.json`` files, and the zoo in ``models/``: ``load_model("llama2-7b")``
    operators      one block as operators with shapes, and the embedding and head around the blocks
    parameters     the weights by name, and how many there are
    assignment     N:M and bits of each weight by rules, bytes as stored: ``load_assignment("artifact").of(config)``
    rule           one such rule
    block_ratio    legal N:M of 16 x 16 blocks, and what they weigh
    attention_mask which 64 x 64 blocks of attention are computed in prefill
    json_file      JSON files that users write

Operators carry shapes only; no weights are needed.
"""

from hwsim.workload.decoder.assignment import Assignment, ModelAssignment, assignment_names, load_assignment
from hwsim.workload.decoder.attention_mask import AttentionMask
from hwsim.workload.decoder.config import DecoderConfig
from hwsim.workload.decoder.hugging_face import from_hugging_face, load_model, model_names
from hwsim.workload.decoder.operators import Operator, embedding_operators, head_operators, operators

__all__ = [
    "Assignment",
    "AttentionMask",
    "DecoderConfig",
    "ModelAssignment",
    "Operator",
    "assignment_names",
    "embedding_operators",
    "from_hugging_face",
    "head_operators",
    "load_assignment",
    "load_model",
    "model_names",
    "operators",
]
