"""Use cases, free of any user interface: open, score, review, simulate, train.

Here is composed what needs two parts that must not know each other. The web pages and the
command line are thin over this package, and a notebook may use it as they do: docs/python-api.md
goes through it with a program that runs. Everything begins with
:func:`eegdash.workflows.desk.open_desk`.
"""
