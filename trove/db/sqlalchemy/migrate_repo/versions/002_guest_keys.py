"""Keys of guests, and which of a guest's messages came. Frozen: what comes later is another migration."""

import sqlalchemy as sa

OPTIONS = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}


def upgrade(migrate_engine):
    """Make the table and the column; what a broken run made already is left."""
    metadata = sa.MetaData()
    sa.Table('instances', metadata, sa.Column('id', sa.String(36), primary_key=True), **OPTIONS)
    guest_keys = sa.Table(
        'guest_keys',
        metadata,
        sa.Column(
            'instance_id', sa.String(36), sa.ForeignKey('instances.id', name='fk_keys_instance'), primary_key=True
        ),
        sa.Column('number', sa.Integer, nullable=False),
        sa.Column('sealed', sa.Text, nullable=False),
        sa.Column('next_sealed', sa.Text),
        sa.Column('created', sa.DateTime, nullable=False),
        **OPTIONS,
    )
    guest_keys.create(migrate_engine, checkfirst=True)
    columns = {column['name'] for column in sa.inspect(migrate_engine).get_columns('service_statuses')}
    if 'seen' not in columns:
        migrate_engine.execute('ALTER TABLE service_statuses ADD COLUMN seen JSON')
