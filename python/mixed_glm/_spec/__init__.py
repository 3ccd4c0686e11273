"""What is to be fitted, as data: design, standardization, approximation."""
