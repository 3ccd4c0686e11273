"""The report of a fit: one page for a reader without Python."""
