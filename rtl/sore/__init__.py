"""SORE in Amaranth: sorters, transposer, queues; random cases."""
