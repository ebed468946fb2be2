"""Family ``nm_array``: an array of PEs for N:M sparse GEMM. One configuration; reference, cycle model, account."""
