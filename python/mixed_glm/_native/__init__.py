"""Which compiled core is loaded, and where the headers are."""
