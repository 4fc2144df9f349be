"""Our tables, as the newest migration leaves them."""

import sqlalchemy as sa

metadata = sa.MetaData()

OPTIONS = {'mysql_engine': 'InnoDB', 'mysql_charset': 'utf8mb4', 'mysql_collate': 'utf8mb4_bin'}
"""Binary collation: names and ids that differ in case differ, as on the other databases."""


def _id() -> sa.String:
    return sa.String(36)


def _epoch() -> sa.Float:
    return sa.Float(53)


datastores = sa.Table(
    'datastores',
    metadata,
    sa.Column('id', _id(), primary_key=True),
    sa.Column('name', sa.String(255), nullable=False),
    sa.Column('default_version_id', _id()),
    sa.UniqueConstraint('name', name='uq_datastores_name'),
    **OPTIONS,
)

datastore_versions = sa.Table(
    'datastore_versions',
    metadata,
    sa.Column('id', _id(), primary_key=True),
    sa.Column('datastore_id', _id(), sa.ForeignKey('datastores.id', name='fk_versions_datastore'), nullable=False),
    sa.Column('name', sa.String(255), nullable=False),
    sa.Column('version', sa.String(255), nullable=False),
    sa.Column('manager', sa.String(255), nullable=False),
    sa.Column('image_id', sa.String(255)),
    sa.Column('image_tags', sa.String(255), nullable=False, default=''),
    sa.Column('packages', sa.Text, nullable=False, default=''),
    sa.Column('is_active', sa.Boolean(create_constraint=False), nullable=False, default=True),
    sa.Column('registry_ext', sa.String(255)),
    sa.Column('repl_strategy', sa.String(255)),
    sa.UniqueConstraint('datastore_id', 'name', 'version', name='uq_datastore_versions_name'),
    **OPTIONS,
)

datastore_parameters = sa.Table(
    'datastore_parameters',
    metadata,
    sa.Column('id', _id(), primary_key=True),
    sa.Column(
        'datastore_version_id',
        _id(),
        sa.ForeignKey('datastore_versions.id', name='fk_parameters_version'),
        nullable=False,
    ),
    sa.Column('name', sa.String(128), nullable=False),
    sa.Column('data_type', sa.String(32), nullable=False),
    sa.Column('min_size', sa.String(40)),
    sa.Column('max_size', sa.String(40)),
    sa.Column('restart_required', sa.Boolean(create_constraint=False), nullable=False, default=False),
    sa.UniqueConstraint('datastore_version_id', 'name', name='uq_datastore_parameters_name'),
    **OPTIONS,
)

flavors = sa.Table(
    'flavors',
    metadata,
    sa.Column('id', sa.String(255), primary_key=True),
    sa.Column('name', sa.String(255), nullable=False),
    sa.Column('ram', sa.Integer, nullable=False),
    sa.Column('vcpus', sa.Integer, nullable=False),
    sa.Column('disk', sa.Integer, nullable=False),
    sa.Column('ephemeral', sa.Integer, nullable=False),
    **OPTIONS,
)

instances = sa.Table(
    'instances',
    metadata,
    sa.Column('id', _id(), primary_key=True),
    sa.Column('name', sa.String(255), nullable=False),
    sa.Column('project_id', sa.String(64), nullable=False),
    sa.Column('user_id', sa.String(64)),
    sa.Column(
        'datastore_version_id',
        _id(),
        sa.ForeignKey('datastore_versions.id', name='fk_instances_version'),
        nullable=False,
    ),
    sa.Column('flavor_id', sa.String(255), nullable=False),
    sa.Column('volume_size', sa.Integer),
    sa.Column('volume_type', sa.String(255)),
    sa.Column('is_volume_enforced', sa.Boolean(create_constraint=False)),
    sa.Column('task_code', sa.Integer, nullable=False),
    sa.Column('server_id', sa.String(64)),
    sa.Column('server_status', sa.String(32)),
    sa.Column('server_host', sa.String(255)),
    sa.Column('volume_id', sa.String(64)),
    sa.Column('hostname', sa.String(255)),
    sa.Column('locality', sa.String(32)),
    sa.Column('addresses', sa.JSON, nullable=False, default=list),
    sa.Column('access', sa.JSON, nullable=False, default=dict),
    sa.Column('availability_zone', sa.String(255)),
    sa.Column('region', sa.String(255)),
    sa.Column('quota_charge', sa.JSON(none_as_null=True)),
    sa.Column('fault_message', sa.String(1000)),
    sa.Column('fault_details', sa.Text),
    sa.Column('fault_created', sa.DateTime),
    sa.Column('created', sa.DateTime, nullable=False),
    sa.Column('updated', sa.DateTime, nullable=False),
    sa.Column('is_deleted', sa.Boolean(create_constraint=False), nullable=False, default=False),
    sa.Column('deleted_at', sa.DateTime),
    sa.Index('ix_instances_project', 'project_id', 'is_deleted', 'id'),
    **OPTIONS,
)

service_statuses = sa.Table(
    'service_statuses',
    metadata,
    sa.Column('instance_id', _id(), sa.ForeignKey('instances.id', name='fk_statuses_instance'), primary_key=True),
    sa.Column('description', sa.String(64), nullable=False),
    sa.Column('is_prepared', sa.Boolean(create_constraint=False), nullable=False, default=False),
    sa.Column('volume', sa.JSON(none_as_null=True)),
    sa.Column('sent', _epoch(), nullable=False, default=0.0),
    sa.Column('updated', sa.DateTime, nullable=False),
    sa.Column('seen', sa.JSON(none_as_null=True)),
    **OPTIONS,
)

guest_keys = sa.Table(
    'guest_keys',
    metadata,
    sa.Column('instance_id', _id(), sa.ForeignKey('instances.id', name='fk_keys_instance'), primary_key=True),
    sa.Column('number', sa.Integer, nullable=False),
    sa.Column('sealed', sa.Text, nullable=False),
    sa.Column('next_sealed', sa.Text),
    sa.Column('created', sa.DateTime, nullable=False),
    **OPTIONS,
)

guest_jobs = sa.Table(
    'guest_jobs',
    metadata,
    sa.Column('job_id', sa.String(128), primary_key=True),
    sa.Column('instance_id', _id(), sa.ForeignKey('instances.id', name='fk_jobs_instance'), nullable=False),
    sa.Column('error', sa.Text),
    sa.Column('ended_at', sa.DateTime, nullable=False),
    **OPTIONS,
)

quotas = sa.Table(
    'quotas',
    metadata,
    sa.Column('project_id', sa.String(64), primary_key=True),
    sa.Column('resource', sa.String(32), primary_key=True),
    sa.Column('hard_limit', sa.Integer, nullable=False),
    **OPTIONS,
)

quota_usages = sa.Table(
    'quota_usages',
    metadata,
    sa.Column('project_id', sa.String(64), primary_key=True),
    sa.Column('resource', sa.String(32), primary_key=True),
    sa.Column('in_use', sa.Integer, nullable=False, default=0),
    sa.CheckConstraint('in_use >= 0', name='ck_quota_usages_in_use'),
    **OPTIONS,
)

root_histories = sa.Table(
    'root_histories',
    metadata,
    sa.Column('id', _id(), primary_key=True),
    sa.Column('instance_id', _id(), sa.ForeignKey('instances.id', name='fk_roots_instance'), nullable=False),
    sa.Column('active_key', _id()),
    sa.Column('user_id', sa.String(64)),
    sa.Column('enabled_at', sa.DateTime, nullable=False),
    sa.Column('disabled_at', sa.DateTime),
    sa.UniqueConstraint('active_key', name='uq_root_histories_active'),
    **OPTIONS,
)

operations = sa.Table(
    'operations',
    metadata,
    sa.Column('id', _id(), primary_key=True),
    sa.Column('kind', sa.String(64), nullable=False),
    sa.Column('subject_id', _id(), nullable=False),
    sa.Column('project_id', sa.String(64)),
    sa.Column('active_key', _id()),
    sa.Column('after_id', _id()),
    sa.Column('state', sa.String(16), nullable=False),
    sa.Column('step', sa.String(64), nullable=False),
    sa.Column('spec', sa.JSON, nullable=False),
    sa.Column('memo', sa.JSON, nullable=False),
    sa.Column('sealed', sa.Text),
    sa.Column('attempts', sa.Integer, nullable=False, default=0),
    sa.Column('is_cancelled', sa.Boolean(create_constraint=False), nullable=False, default=False),
    sa.Column('wake_at', _epoch()),
    sa.Column('deadline_at', _epoch(), nullable=False),
    sa.Column('lease_until', _epoch()),
    sa.Column('lease_token', sa.String(255)),
    sa.Column('progress', sa.Integer, nullable=False, default=0),
    sa.Column('error', sa.Text),
    sa.Column('request_id', sa.String(64)),
    sa.Column('created', sa.DateTime, nullable=False),
    sa.Column('updated', sa.DateTime, nullable=False),
    sa.Column('finished_at', sa.DateTime),
    sa.UniqueConstraint('active_key', name='uq_operations_active_key'),
    sa.Index('ix_operations_wake', 'wake_at'),
    sa.Index('ix_operations_subject', 'subject_id'),
    **OPTIONS,
)
