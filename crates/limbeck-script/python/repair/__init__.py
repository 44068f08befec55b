"""The functions that `limbeck fix` writes into an `env.py`."""
