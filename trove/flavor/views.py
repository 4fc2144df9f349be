"""Flavors as JSON."""

from typing import Any

from trove.common import wsgi
from trove.db import models


def flavor(req: wsgi.Request, record: models.Flavor) -> dict[str, Any]:
    """Return a flavor; ``id`` is a number when the id reads like one, else null, and ``str_id`` always the id."""
    return {
        'id': int(record.id) if _is_number(record.id) else None,
        'str_id': record.id,
        'name': record.name,
        'ram': record.ram,
        'vcpus': record.vcpus,
        'disk': record.disk,
        'ephemeral': record.ephemeral,
        'links': req.links('flavors', record.id),
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and (text == '0' or not text.startswith('0'))
