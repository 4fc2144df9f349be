"""Limits as JSON."""

from collections.abc import Iterable
from typing import Any

from trove.quota import models


def absolute(quotas: Iterable[models.Quota]) -> dict[str, Any]:
    """Return the item that clients look for first: ``{"verb": "ABSOLUTE", "max_<resource>": limit}``."""
    return {'verb': 'ABSOLUTE', **{f'max_{quota.resource}': quota.limit for quota in quotas}}
