"""Posteriors of all methods against long-run references; see README.md here."""
