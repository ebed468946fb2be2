"""The training core: N:M array, weight update and N:M selection as one device that runs a whole training step."""
