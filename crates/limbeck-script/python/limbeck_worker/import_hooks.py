"""Functions that run when the project imports a module. limbeck imports no driver, and most projects import one late."""
import importlib.util
import sys


def when_imported(name, action):
    """Call `action` with a module as soon as it is imported, now if it already is."""
    module = sys.modules.get(name)
    if module is not None:
        action(module)
        return
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())
    _actions.setdefault(name, []).append(action)


_actions = {}


class _Finder:
    """A finder that adds the actions to the loader of a module."""

    def find_spec(self, name, path=None, target=None):
        actions = _actions.pop(name, None)
        if actions is None:
            return None
        # The name is no longer known here, so the other finders answer.
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            _actions[name] = actions
            return None
        spec.loader = _Loader(spec.loader, actions)
        return spec


class _Loader:
    def __init__(self, loader, actions):
        self._loader = loader
        self._actions = actions

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        module.__spec__.loader = module.__loader__ = self._loader
        self._loader.exec_module(module)
        for action in self._actions:
            action(module)
