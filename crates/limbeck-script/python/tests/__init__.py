"""Tests of the worker, run by each interpreter that it must work with."""
