"""What extensions claim for themselves, and whether two of them claim the same."""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence

from trove import version
from trove.common import plugs, wsgi

ROOMS = plugs.Plug('trove.api.rooms', 'trove', 'the API itself', 'trove', version.version_string())
"""Stands for all that no extension brings."""


@dataclasses.dataclass(frozen=True)
class Claims:
    """What one extension has: ``routes`` are ``(HTTP method, path)``, ``actions`` ``(path, name)``."""

    plug: plugs.Plug
    alias: str | None
    routes: Sequence[tuple[str, str]]
    actions: Sequence[tuple[str, str]]


def claims_of_rooms(application: object, routes: Iterable[tuple[str, str]]) -> Claims:
    """Return what the rooms of an application have, and further routes that are ours."""
    mapper = application.mapper if isinstance(application, wsgi.Router) else None
    served = [(method, path) for method, path, _action in mapper.table()] if mapper else []
    return Claims(ROOMS, None, [*routes, *served], mapper.table_of_actions() if mapper else [])


def check(extensions: Sequence[Claims], rooms: Claims) -> None:
    """Raise ``PlugError`` when two claim one alias, route or action.

    ``extensions`` are in the order in which they are asked, all of them before the rooms. A route that hides
    one of a later extension or of the rooms is a claim, too; a fixed path before one with an id is none.
    """
    for first, later in itertools.combinations([*extensions, rooms], 2):
        what = next(_claimed_twice(first, later), None)
        if what is not None:
            plugs.refuse(first.plug, f'claims {what}, and so does {later.plug}')


def _claimed_twice(first: Claims, later: Claims) -> Iterator[str]:
    if first.alias == later.alias:
        yield f'the alias {first.alias}'
    for path, name in first.actions:
        if any(name == other and _covers(path, theirs) for theirs, other in later.actions):
            yield f"the action '{name}' of {_shown(path)}"
    for method, path in first.routes:
        yield from (
            f'the route {method} {_shown(theirs)}'
            for other, theirs in later.routes
            if other == method and _covers(path, theirs)
        )


def _covers(path: str, other: str) -> bool:
    """Return whether each request for the other path is one for this path."""
    parts, others = path.split('/'), other.split('/')
    return len(parts) == len(others) and all(
        '{' in mine or mine == theirs for mine, theirs in zip(parts, others, strict=True)
    )


def _shown(path: str) -> str:
    return path.removeprefix('/{tenant_id}')
