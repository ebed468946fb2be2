"""Power from switching activity: a device's gates run its cases, and what each net and cell did is priced."""

from rtl.power.run import Power, measure

__all__ = ["Power", "measure"]
