"""Regular expressions that are compiled on first use: most runs need none of them."""
import re


class Pattern:
    """A substitute for `re.compile(text, flags)`."""

    def __init__(self, text, flags=0):
        self._text, self._flags = text, flags

    def __getattr__(self, name):
        compiled = re.compile(self._text, self._flags)
        for method in ("findall", "finditer", "fullmatch", "match", "search", "sub"):
            setattr(self, method, getattr(compiled, method))
        return getattr(compiled, name)
