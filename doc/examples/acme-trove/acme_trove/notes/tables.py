"""The tables of this package, and the plugin that maps them."""

import sqlalchemy as sa
from trove.db.sqlalchemy import mappers

from acme_trove.notes import models

metadata = sa.MetaData()
notes = sa.Table(
    'acme_notes',
    metadata,
    sa.Column('id', sa.String(36), primary_key=True),
    sa.Column('project_id', sa.String(64), nullable=False),
    sa.Column('instance_id', sa.String(36), nullable=False),
    sa.Column('text', sa.String(255), nullable=False),
    sa.Column('created', sa.DateTime, nullable=False),
    sa.Column('updated', sa.DateTime, nullable=False),
    sa.Index('acme_notes_of_instance', 'project_id', 'instance_id'),
)


class Mapper:
    """Maps our records."""

    def map(self, engine: sa.engine.Engine) -> None:
        mappers.map_record(models.Note, notes)


class Plugin:
    """What the option db_plugins names."""

    mapper = Mapper()
