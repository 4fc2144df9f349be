"""Notes as tenants see them."""

from typing import Any

from acme_trove.notes import models


def note(found: models.Note) -> dict[str, Any]:
    """Return what is shown of a note."""
    return {
        'id': found.id,
        'instance_id': found.instance_id,
        'text': found.text,
        'created': found.created.isoformat(),
        'updated': found.updated.isoformat(),
    }
