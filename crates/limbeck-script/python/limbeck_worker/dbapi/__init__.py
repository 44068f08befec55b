"""DBAPIs (PEP 249) that send every statement to the host: one for each family of databases."""
