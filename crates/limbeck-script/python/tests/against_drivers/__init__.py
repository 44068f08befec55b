"""Comparisons of the worker with the real drivers: both must write and read the same."""
