"""Databases and users as JSON; a guest may tell more of them than is shown."""

from typing import Any


def database(found: dict[str, Any]) -> dict[str, Any]:
    """Return a database: its name."""
    return {'name': found['name']}


def user(found: dict[str, Any]) -> dict[str, Any]:
    """Return a user without the password."""
    return {
        'name': found['name'],
        'host': found['host'],
        'databases': [database(granted) for granted in found['databases']],
    }
