"""Simulation-based calibration and coverage of every method. See README.md in this folder."""
