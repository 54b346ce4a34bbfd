"""公示 notices of a plan: what changes, on maps and in lists, as one HTML file that opens offline and as a PDF.

A notice names buildings, never a person.
"""
