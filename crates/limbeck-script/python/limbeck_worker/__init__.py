"""The part of limbeck that runs inside the project's own Python interpreter."""
