"""Sockets and plugs: everything that is looked up by name is an entry point.

Loads only the plug that is asked for, checks that it has every abstract method,
and names the plug, its target and the cause when it cannot be used.
"""

from typing import Any

from stevedore import named

from trove.common import exception


def names(group: str) -> list[str]:
    """Return the names of all plugs installed in a group, sorted, loading none of them."""
    # list_entry_points reads the metadata only; nothing is imported.
    manager: Any = named.NamedExtensionManager(group, names=[], on_missing_entrypoints_callback=None)
    return sorted({entry_point.name for entry_point in manager.list_entry_points()})


def load(group: str, name: str, base: type | None = None) -> Any:
    """Return the object that the plug names.

    ``base`` is the abstract class it must fulfil, when it is a class. Raises
    ``PlugError`` when the plug is missing, cannot be imported or is incomplete.
    """
    failures: list[str] = []

    def remember(_manager: Any, entry_point: Any, error: BaseException) -> None:
        failures.append(f'{entry_point.value} cannot be imported ({type(error).__name__}: {error})')

    manager = named.NamedExtensionManager(
        group, names=[name], on_load_failure_callback=remember, on_missing_entrypoints_callback=None
    )
    if failures:
        raise exception.PlugError(group=group, name=name, reason='; '.join(failures))
    found = list(manager)
    if not found:
        known = ', '.join(names(group)) or 'none'
        raise exception.PlugError(group=group, name=name, reason=f'it is not installed (installed: {known})')
    return _checked(group, found[0], base)


def load_all(group: str, base: type | None = None) -> dict[str, Any]:
    """Return all plugs of a group by name; ``PlugError`` when one of them cannot be used."""
    return {name: load(group, name, base) for name in names(group)}


def _checked(group: str, plug: Any, base: type | None) -> Any:
    target = plug.plugin
    if base is None:
        return target
    if not (isinstance(target, type) and issubclass(target, base)):
        reason = f'{plug.entry_point.value} is not a subclass of {base.__module__}.{base.__qualname__}'
        raise exception.PlugError(group=group, name=plug.name, reason=reason)
    missing = sorted(getattr(target, '__abstractmethods__', ()))
    if missing:
        reason = f'{plug.entry_point.value} lacks {", ".join(missing)}'
        raise exception.PlugError(group=group, name=plug.name, reason=reason)
    return target
