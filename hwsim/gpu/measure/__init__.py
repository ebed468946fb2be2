"""Measuring the kernels of `hwsim.gpu.kernels` on a GPU, or walking the same path in Triton's interpreter."""
