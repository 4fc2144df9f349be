"""Notes and their rules."""

import datetime
import uuid

from trove.common import clock, exception
from trove.common import context as trove_context
from trove.db import base, get_db_api
from trove.instance import models as instance_models


class Note(base.Model):
    """What somebody of a project wrote about an instance; the attributes are the columns."""

    id: str
    project_id: str
    instance_id: str
    text: str
    created: datetime.datetime
    updated: datetime.datetime


def page(context: trove_context.TroveContext, limit: int, marker: str | None) -> tuple[list[Note], str | None]:
    """Return a page of the project's notes and the marker of the next one."""
    return Note.find_page(limit, marker, project_id=context.project_id)


def get(context: trove_context.TroveContext, note_id: str) -> Note:
    """Return a note of the project; ``NotFound`` for one of another."""
    return Note.find_by(id=note_id, project_id=context.project_id)


def create(context: trove_context.TroveContext, instance_id: str, text: str) -> Note:
    """Write a note about an instance; ``InstanceNotFound`` for one that the project does not have."""
    now = clock.utcnow()
    with get_db_api().transaction() as session:
        instance_models.find(session, context, instance_id)
        note = Note(
            id=str(uuid.uuid4()),
            project_id=context.project_id,
            instance_id=instance_id,
            text=text,
            created=now,
            updated=now,
        )
        note.save(session)
    return note


def change(context: trove_context.TroveContext, note_id: str, text: str) -> Note:
    """Give a note another text."""
    note = get(context, note_id)
    note.text = text
    note.updated = clock.utcnow()
    note.save()
    return note


def delete(context: trove_context.TroveContext, note_id: str) -> None:
    """Delete a note; ``NotFound`` when another request was first."""
    if not get(context, note_id).delete():
        raise exception.NotFound('Note could not be found.')


def count(context: trove_context.TroveContext, instance_id: str) -> int:
    """Return how many notes the project has about an instance."""
    return len(Note.find_all(project_id=context.project_id, instance_id=instance_id))
