"""生活圈体检: who is served by which rule of which standard, as one HTML file that opens offline and as a PDF.

A report counts households and residents; it names buildings, never a person.
"""
