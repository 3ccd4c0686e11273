"""Parts of the engine, each beside the fastest that the machine could do it. See README.md."""
