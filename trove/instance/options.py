"""Options of the instance room: what the API reads, and what the taskmanager reads."""

from oslo_config import cfg

API_OPTS = [
    cfg.StrOpt('default_datastore', help='Datastore of a request that names none: a name or an id.'),
    cfg.IntOpt('max_accepted_volume_size', default=10, min=1, help='GB that one volume may have at most.'),
    cfg.IntOpt('instances_page_size', default=20, min=1, help='Instances on one page of a list.'),
    cfg.IntOpt(
        'agent_heartbeat_expiry',
        default=90,
        min=1,
        help="Seconds without a heartbeat after which a guest's state is shown as an error.",
    ),
    cfg.IntOpt('server_delete_time_out', default=3600, min=1, help='Seconds that a deletion is tried for.'),
    cfg.IntOpt('restart_time_out', default=600, min=1, help='Seconds that a restart may take.'),
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
]
