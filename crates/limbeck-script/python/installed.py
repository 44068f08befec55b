"""Tells an interpreter's version and those of the packages that are asked for, and imports none of them."""

import sys

# What lies in the current folder is the project's, also where it has a name of the library's.
sys.path[:] = [folder for folder in sys.path if folder]

import json  # noqa: E402
from importlib.metadata import PackageNotFoundError, version  # noqa: E402


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


packages = {name: installed(name) for name in sys.argv[1:]}
print(json.dumps({"python": list(sys.version_info[:3]), "packages": packages}))
