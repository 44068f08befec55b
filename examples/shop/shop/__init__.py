"""The shop, reduced to the parts that its migrations need."""
