"""Co-design toolkit for sparse accelerators: the simulator."""

__version__ = "0.1.0"
