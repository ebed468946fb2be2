"""RTL of the pruner: intake, selection, packing."""
