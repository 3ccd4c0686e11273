"""One design fitted to many responses: input, methods, chunks, executors, files, results."""
