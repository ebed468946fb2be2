"""RTL of the training core: array, weight update and selection as one device."""
