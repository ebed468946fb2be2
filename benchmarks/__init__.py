"""Speed of the simulator, side by side with SCALE-Sim and with simulation of the RTL: ``python -m benchmarks``.

* timing        repeated measurement: median, minimum, maximum, runs
* machine       what the figures were taken on, and with
* child         a command with limits of time and memory, and what it used
* gemm          GEMMs on hwsim: with the tiling search, with one tiling, the array alone; reading the pattern
* scalesim      the same GEMMs on SCALE-Sim in its own environment, closed forms of its cycles, kept measurements
* rtl_speed     the model against Verilator and CXXRTL on our own RTL
* networks      ResNet-50 with N:M weights
* kernel        import time and the network solver
* sections      which measurements there are, and what is kept between runs
* report, plot  the Markdown page (with tables, cycles, targets) and the figure
"""
