"""Formula and table -> arrays, and an encoding for new tables."""
