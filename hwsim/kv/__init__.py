"""The KV cache of attention as data: shapes of networks, pruning per token, compressed groups, a dense window."""
