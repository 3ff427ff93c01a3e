"""The only place that prints. Data in, text out; `output.Output` is the single door to the terminal.

Every view takes exactly the data that `--json` prints, so the two cannot tell different stories.
"""
