"""Options of the instance room: what the API reads, and what the taskmanager reads."""

from oslo_config import cfg

API_OPTS = [
    cfg.StrOpt('default_datastore', help='Datastore of a request that names none: a name or an id.'),
    cfg.IntOpt('max_accepted_volume_size', default=10, min=1, help='GB that one volume may have at most.'),
    cfg.IntOpt('instances_page_size', default=20, min=1, help='Instances on one page of a list.'),
    cfg.IntOpt(
        'agent_heartbeat_expiry',
        default=25,
        min=1,
        help="Seconds without a heartbeat after which a guest's state is shown as an error. It has to be longer than "
        'two of the heartbeats that the guests send every report_interval seconds.',
    ),
    cfg.IntOpt('server_delete_time_out', default=3600, min=1, help='Seconds that a deletion is tried for.'),
    cfg.IntOpt('restart_time_out', default=600, min=1, help='Seconds that a restart of the database may take.'),
    cfg.IntOpt(
        'resize_time_out',
        default=900,
        min=1,
        help='Seconds that a resize to another flavor or a migration may take until it is confirmed; after that it is '
        'reverted.',
    ),
    cfg.IntOpt('volume_time_out', default=600, min=1, help='Seconds that growing a volume may take.'),
    cfg.IntOpt('reboot_time_out', default=600, min=1, help='Seconds that a reboot may take until the database serves.'),
    cfg.IntOpt('stop_time_out', default=300, min=1, help='Seconds that stopping a database may take.'),
    cfg.IntOpt(
        'rebuild_time_out', default=1800, min=1, help='Seconds that a rebuild may take until the database serves.'
    ),
    cfg.IntOpt(
        'rotate_key_time_out', default=600, min=1, help='Seconds in which a guest is to take another key for the bus.'
    ),
    cfg.IntOpt('access_time_out', default=300, min=1, help='Seconds that a change of the access may take.'),
    cfg.IntOpt('rename_time_out', default=3600, min=1, help='Seconds that renaming a server is tried for.'),
    cfg.StrOpt('region', default='RegionOne', help='Region that instances are shown to be in.'),
]

TASKMANAGER_OPTS = [
    cfg.StrOpt(
        'compute_provider',
        default='local',
        help="Where guests live: the name of an entry point in 'trove.compute.providers'.",
    ),
    cfg.StrOpt(
        'guest_config',
        default='/etc/trove/trove-guestagent.conf',
        help='Configuration file that every guest agent gets as it stands: bus, logging, datastores.',
    ),
    cfg.FloatOpt(
        'guest_job_repeat_seconds',
        default=5.0,
        min=0.1,
        help='Seconds after which a guest that has not reported the end of a job is asked again. '
        'A repeated request starts nothing twice; it finds the job that runs, or its end.',
    ),
    cfg.IntOpt(
        'database_stop_time_out',
        default=120,
        min=1,
        help='Seconds in which a guest is to stop its database before its server is moved, rebooted or rebuilt. '
        'After that a resize fails and changes nothing; the others go on, because they are what helps when a guest '
        'is silent.',
    ),
    cfg.IntOpt(
        'revert_time_out',
        default=600,
        min=1,
        help='Seconds that bringing a database back may take after its resize, migration or reboot failed.',
    ),
]
