"""The caller's own line in warnings, and the progress bar."""
