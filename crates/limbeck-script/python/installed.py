"""Print the versions of the interpreter and of the packages named as arguments, without importing the packages."""

import sys

# A module of the project in the current folder must not replace one of the standard library.
sys.path[:] = [folder for folder in sys.path if folder]

import json  # noqa: E402
from importlib.metadata import PackageNotFoundError, version  # noqa: E402


def installed_version(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


packages = {name: installed_version(name) for name in sys.argv[1:]}
print(json.dumps({"python": list(sys.version_info[:3]), "packages": packages}))
