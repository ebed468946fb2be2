"""A device between shift registers: all its ports behind four pins, so that it can be placed and its paths timed."""

from __future__ import annotations

import re

NAME = "harness"
_PORT = re.compile(r"(?m)^ +(input|output) (?:\[(\d+):0\] )?(\S+) ?;$")
_OWN = ("clk", "rst")


def harness(text: str, top: str) -> tuple[str, int]:
    """Verilog of module `NAME`, which holds one instance of ``top``, and how many flip-flops are around that.

    A shift register drives the inputs, another one takes the outputs in by exclusive or, so nothing can be optimised
    away; the reset comes out of a register too. So every path at a port runs from or to a register beside it: paths to
    outputs have one look-up table more than the device alone.

    Args:
        text: Verilog with that module; its clock is ``clk``, its reset ``rst``.
        top: name of the module.
    """
    [module] = re.findall(rf"(?ms)^module {re.escape(top)}\(.*?^endmodule", text)
    width = {"input": 0, "output": 0}
    pins = [f".{name}({'clk' if name == 'clk' else 'reset'})" for _, _, name in _PORT.findall(module) if name in _OWN]
    for direction, high, name in _PORT.findall(module):
        if name in _OWN:
            continue
        bits, at = int(high or 0) + 1, width[direction]
        pins.append(f".{name}({'drive' if direction == 'input' else 'seen'}[{at} +: {bits}])")
        width[direction] += bits
    inputs, outputs = width["input"], width["output"]
    wrapped = f"""module {NAME}(input clk, input rst, input i, output o);
  reg reset;
  reg [{inputs - 1}:0] drive;
  reg [{outputs - 1}:0] taken;
  wire [{outputs - 1}:0] seen;
  assign o = taken[{outputs - 1}];
  always @(posedge clk) begin
    reset <= rst;
    drive <= {{drive, i}};
    taken <= {{taken, 1'b0}} ^ seen;
  end
  {top} device({", ".join(pins)});
endmodule
"""
    return wrapped, inputs + outputs + 1
