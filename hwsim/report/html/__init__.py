"""The report of a sweep: one self-contained HTML page, and figures of paper quality.

``data`` turns a dataset into what the page shows, ``page`` puts it into the page, ``figures`` draws without a browser.
"""
