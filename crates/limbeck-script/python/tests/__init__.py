"""Tests of the worker, run with each supported interpreter."""
