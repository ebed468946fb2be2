"""WUVE, the weight-update vector engine: SGD with momentum, weight decay and SR-STE's decay, on FP32 master weights."""
