"""The door: single arguments, checked and converted to arrays."""
