"""The shop: only as much of an application as its migrations need."""
