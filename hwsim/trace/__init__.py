"""Timelines of one run for viewers: Chrome/Perfetto traces and VCD, exact to the cycle (or the picosecond).

A solved network (`hwsim.trace.network`) or a run of a program (`hwsim.trace.program`) becomes a
`hwsim.trace.tracks.Trace`: slices by track, entries by channel, ports. `chrome`, `perfetto` and `vcd` write it.
"""
