"""What a run is shown as: plain data for JSON, a text table, a figure, and files that appear whole or not at all.

Modules:
    outcome   the runs of an experiment with their baselines, as plain data
    table     text, at most 120 columns
    gpu_table a run beside GPUs
    columns   text in columns of equal width, for all tables
    figure    overview for print (PNG)
    files     atomic writing
"""
