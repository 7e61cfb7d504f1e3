"""Use cases, free of any user interface: open, score, review, simulate, train.

Here is composed what needs two parts that must not know each other. The web pages and the
command line are thin over this package.
"""
