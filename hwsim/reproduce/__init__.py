"""Published figures beside ours: one table form for every reproduction, the published figures as data with their mark.

Modules:
    rows        a row: quantity, published, ours, error, mark, source; the table
    published   published figures read from ``<name>.toml``
    sat         N:M sparse training on SAT (arXiv 2309.13015): rows and explanation
    sat_figure  its figures
"""
