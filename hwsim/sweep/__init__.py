"""Design-space sweeps: a file of axes becomes points, points become rows of a Parquet dataset.

`spec` reads the file, `plan` lists its points, `pool` and `cluster` evaluate them, `store` keeps the rows, `search`
looks where listing is too much. What evaluates a point is handed in: this package knows no mapper.
"""
