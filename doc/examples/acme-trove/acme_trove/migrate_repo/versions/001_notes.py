"""Notes about instances."""

import sqlalchemy as sa

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
    mysql_engine='InnoDB',
    mysql_charset='utf8mb4',
    mysql_collate='utf8mb4_bin',
)


def upgrade(migrate_engine):
    # A step that failed half-way is run again.
    metadata.create_all(migrate_engine, checkfirst=True)
