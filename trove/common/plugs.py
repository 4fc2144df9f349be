"""Sockets and plugs: everything that is looked up by name is an entry point.

Loads only the plug that is asked for and checks that it has every abstract method. What
cannot be used is told with the plug's name, its target, its distribution and the cause.
"""

import contextlib
import dataclasses
import functools
import importlib
import importlib.util
import pathlib
import sys
from collections.abc import Iterator
from importlib import metadata
from types import ModuleType
from typing import Any, NoReturn

from stevedore import named

from trove.common import exception

PREFIX = 'trove.'
"""What the names of all our groups begin with."""


@dataclasses.dataclass(frozen=True)
class Plug:
    """An entry point that is installed; nothing of it is imported yet.

    ``distribution`` and ``version`` are those of the package that declares it.
    """

    group: str
    name: str
    target: str
    distribution: str = ''
    version: str = ''
    entry_point: metadata.EntryPoint | None = dataclasses.field(default=None, repr=False, compare=False)

    @property
    def package(self) -> str:
        """Return distribution and version, for people."""
        return f'{self.distribution} {self.version}'.strip()

    def __str__(self) -> str:
        return f'{self.target} of {self.package}' if self.distribution else self.target


class _Manager(named.NamedExtensionManager[Any]):
    """Loads as stevedore does, without its cache of entry points.

    The cache tells no distributions, and does not see a package that was
    installed again within the minutes that its keys are rounded to.
    """

    def list_entry_points(self) -> list[metadata.EntryPoint]:
        return [plug.entry_point for plug in installed(self.namespace) if plug.entry_point is not None]


def installed(group: str) -> list[Plug]:
    """Return all plugs of a group, sorted by name, importing none of them; a name may occur twice."""
    return list(_read(tuple(sys.path)).get(group, ()))


def forget() -> None:
    """Read anew what is installed when it is asked for next; a process needs it after it installed something."""
    _read.cache_clear()


def names(group: str) -> list[str]:
    """Return the names of all plugs installed in a group, sorted, loading none of them."""
    return sorted({plug.name for plug in installed(group)})


def find(group: str, name: str) -> Plug:
    """Return the plug of this name, not loaded; ``PlugError`` when there is none, or more than one."""
    found = [plug for plug in installed(group) if plug.name == name]
    if not found:
        known = ', '.join(names(group)) or 'none'
        raise exception.PlugError(group=group, name=name, reason=f'it is not installed (installed: {known})')
    if len(found) > 1:
        declared = ' and by '.join(f'{plug.package} ({plug.target})' for plug in found)
        raise exception.PlugError(group=group, name=name, reason=f'it is declared by {declared}; uninstall one of them')
    return found[0]


def load(group: str, name: str, base: type | None = None) -> Any:
    """Return the object that the plug names.

    ``base`` is the abstract class it must fulfil, when it is a class. Raises
    ``PlugError`` when the plug is missing, declared twice, cannot be imported or is incomplete.
    """
    plug = find(group, name)

    def tell(_manager: Any, _entry_point: Any, error: BaseException) -> NoReturn:
        raise error

    with blamed(plug, 'cannot be imported'):
        (loaded,) = _Manager(group, names=[name], on_load_failure_callback=tell)
    return checked(plug, loaded.plugin, base)


def load_all(group: str, base: type | None = None) -> dict[str, Any]:
    """Return all plugs of a group by name; ``PlugError`` when one of them cannot be used."""
    return {name: load(group, name, base) for name in names(group)}


def make(group: str, name: str, base: type, *arguments: Any) -> Any:
    """Return an object of the class that the plug names; ``PlugError`` when it cannot be loaded or made."""
    made = load(group, name, base)
    with blamed(find(group, name), 'cannot be made'):
        return made(*arguments)


def load_path(option: str, name: str, path: str, base: type | None = None) -> Any:
    """Return the object at a dotted path, which an option names instead of a plug; ``PlugError`` as ``load``."""
    plug = Plug(option, name, path)
    module, _, attribute = path.replace(':', '.').rpartition('.')
    if not (module and attribute):
        raise exception.PlugError(group=option, name=name, reason=f"'{path}' is no dotted path")
    with blamed(plug, 'cannot be imported'):
        found = getattr(importlib.import_module(module), attribute)
    return checked(plug, found, base)


def load_file(plug: Plug, path: pathlib.Path) -> ModuleType:
    """Return a module read from a file, for a folder of files that an option names; ``PlugError`` as ``load``."""
    spec = importlib.util.spec_from_file_location(f'{plug.group}_{plug.name}', path)
    if spec is None or spec.loader is None:
        refuse(plug, 'is no Python file')
    module = importlib.util.module_from_spec(spec)
    with blamed(plug, 'cannot be imported'):
        spec.loader.exec_module(module)
    return module


def checked(plug: Plug, target: Any, base: type | None) -> Any:
    """Return the target of a plug; ``PlugError`` unless it is a subclass of the base with all that this asks for."""
    if base is None:
        return target
    if not (isinstance(target, type) and issubclass(target, base)):
        refuse(plug, f'is not a subclass of {base.__module__}.{base.__qualname__}')
    missing = sorted(getattr(target, '__abstractmethods__', ()))
    if missing:
        refuse(plug, f'lacks {", ".join(missing)}')
    return target


def refuse(plug: Plug, reason: str) -> NoReturn:
    """Raise ``PlugError`` for a plug."""
    raise exception.PlugError(group=plug.group, name=plug.name, reason=f'{plug} {reason}')


@contextlib.contextmanager
def blamed(plug: Plug, reason: str) -> Iterator[None]:
    """Name the plug in whatever its code raises: it becomes a ``PlugError`` with the cause.

    This is where the code of others begins. It raises errors of its own that nobody here
    can list, and even ends the process; none of them is swallowed.
    """
    try:
        yield
    except exception.PlugError:
        raise
    except (Exception, SystemExit) as error:
        text = ' '.join(str(error).split())
        cause = f'{type(error).__name__}: {text}' if text else type(error).__name__
        raise exception.PlugError(group=plug.group, name=plug.name, reason=f'{plug} {reason} ({cause})') from error


@functools.lru_cache(maxsize=2)
def _read(_path: tuple[str, ...]) -> dict[str, list[Plug]]:
    """Return all plugs by group; once for each search path, because it reads the metadata of every package."""
    everything = metadata.entry_points()
    # Its metadata are parsed at each look, and a package declares many plugs.
    owner_of = functools.cache(_owner)
    found = {}
    for group in filter(lambda group: group.startswith(PREFIX), everything.groups):
        plugs = [
            Plug(group, entry_point.name, entry_point.value, *owner_of(entry_point.dist), entry_point)
            for entry_point in everything.select(group=group)
        ]
        found[group] = sorted(plugs, key=lambda plug: (plug.name, plug.package))
    return found


def _owner(distribution: metadata.Distribution | None) -> tuple[str, str]:
    """Return name and version of a distribution."""
    if distribution is None:
        return '', ''
    found = distribution.metadata
    return found['Name'], found['Version']
