"""Timed process network: processes that fire, bounded channels between them, exact start times in cycles.

Build a :class:`Network`, call :meth:`Network.solve`, read the :class:`Timeline`::

    net = Network("two stages")
    net.process("load", firings=100, interval=2, latency=3)
    net.process("compute", firings=100, interval=[...])
    net.channel("tiles", "load", "compute", depth=4)
    timeline = net.solve()
    timeline.cycles, timeline.stalls("compute"), timeline.occupancy("tiles").maximum
"""

from hwsim.network.build import Network
from hwsim.network.check import Finding
from hwsim.network.deadlock import Deadlock, Wait
from hwsim.network.parts import Arc, Channel, Process
from hwsim.network.timeline import Occupancy, Stalls, Timeline

__all__ = ["Arc", "Channel", "Deadlock", "Finding", "Network", "Occupancy", "Process", "Stalls", "Timeline", "Wait"]
