"""RTL of the configurable sparse DSP chain."""
