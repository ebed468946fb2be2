"""What every family is built of: registers, memories, queues, tokens, and the Verilog of repeated parts."""
