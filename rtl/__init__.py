"""Amaranth RTL of the accelerator families, and the benches that prove it equal to the models in `hwsim`."""
