"""Kernels run in Triton's interpreter here, which must be said before anything imports them."""

import os

os.environ["TRITON_INTERPRET"] = "1"
