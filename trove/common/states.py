"""States as the contract names them: of a database service, a task and a server."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ServiceStatus:
    """What the database service of an instance does.

    ``description`` travels in heartbeats and is stored; ``api_status`` is shown.
    """

    code: int
    description: str
    api_status: str

    @classmethod
    def find(cls, description: str) -> 'ServiceStatus':
        """Return the status with this description, or ``UNKNOWN``."""
        return _BY_DESCRIPTION.get(description, UNKNOWN)


RUNNING = ServiceStatus(0x01, 'running', 'ACTIVE')
BLOCKED = ServiceStatus(0x02, 'blocked', 'BLOCKED')
PAUSED = ServiceStatus(0x03, 'paused', 'SHUTDOWN')
SHUTDOWN = ServiceStatus(0x04, 'shutdown', 'SHUTDOWN')
DELETED = ServiceStatus(0x05, 'deleted', 'DELETED')
CRASHED = ServiceStatus(0x06, 'crashed', 'SHUTDOWN')
FAILED = ServiceStatus(0x08, 'failed to spawn', 'FAILED')
BUILDING = ServiceStatus(0x09, 'building', 'BUILD')
PROMOTING = ServiceStatus(0x10, 'promoting replica', 'PROMOTE')
EJECTING = ServiceStatus(0x11, 'ejecting replica source', 'EJECT')
LOGGING = ServiceStatus(0x12, 'transferring guest logs', 'LOGGING')
UNKNOWN = ServiceStatus(0x16, 'unknown', 'ERROR')
NEW = ServiceStatus(0x17, 'new', 'NEW')
FAILED_TIMEOUT_GUESTAGENT = ServiceStatus(0x18, 'guestagent error', 'ERROR')
INSTANCE_READY = ServiceStatus(0x19, 'instance ready', 'BUILD')
RESTART_REQUIRED = ServiceStatus(0x20, 'restart required', 'RESTART_REQUIRED')
HEALTHY = ServiceStatus(0x21, 'healthy', 'HEALTHY')
UPGRADING = ServiceStatus(0x22, 'upgrading', 'UPGRADING')
RESTARTING = ServiceStatus(0x22, 'restarting', 'RESTARTING')

_BY_DESCRIPTION = {status.description: status for status in list(vars().values()) if isinstance(status, ServiceStatus)}

ACTION_ALLOWED = (RUNNING, SHUTDOWN, CRASHED, BLOCKED, HEALTHY, RESTART_REQUIRED)
"""Service states in which a tenant may act on an instance."""


@dataclasses.dataclass(frozen=True)
class TaskStatus:
    """What the control plane does with an instance; ``code`` is stored."""

    code: int
    action: str
    description: str
    is_error: bool = False

    @classmethod
    def find(cls, code: int) -> 'TaskStatus':
        """Return the task status with this code; ``KeyError`` when there is none."""
        return _BY_CODE[code]


class Tasks:
    """All task statuses by name."""

    NONE = TaskStatus(0x01, 'NONE', 'No tasks for the instance.')
    DELETING = TaskStatus(0x02, 'DELETING', 'Deleting the instance.')
    REBOOTING = TaskStatus(0x03, 'REBOOTING', 'Rebooting the instance.')
    RESIZING = TaskStatus(0x04, 'RESIZING', 'Resizing the instance.')
    BUILDING = TaskStatus(0x05, 'BUILDING', 'The instance is building.')
    MIGRATING = TaskStatus(0x06, 'MIGRATING', 'Migrating the instance.')
    RESTART_REQUIRED = TaskStatus(0x07, 'RESTART_REQUIRED', 'The instance needs a restart.')
    PROMOTING = TaskStatus(0x08, 'PROMOTING', 'Promoting the instance to replica source.')
    EJECTING = TaskStatus(0x09, 'EJECTING', 'Ejecting the replica source.')
    LOGGING = TaskStatus(0x0A, 'LOGGING', 'Transferring guest logs.')
    DETACHING = TaskStatus(0x0B, 'DETACHING', 'Detaching the replica from its source.')
    UPDATING = TaskStatus(0x0C, 'UPDATING', 'Updating the access of the instance.')
    BUILDING_ERROR_DNS = TaskStatus(0x50, 'BUILDING', 'Build error: DNS.', True)
    BUILDING_ERROR_SERVER = TaskStatus(0x51, 'BUILDING', 'Build error: server.', True)
    BUILDING_ERROR_VOLUME = TaskStatus(0x52, 'BUILDING', 'Build error: volume.', True)
    BUILDING_ERROR_SEC_GROUP = TaskStatus(0x53, 'BUILDING', 'Build error: security group.', True)
    BUILDING_ERROR_REPLICA = TaskStatus(0x54, 'BUILDING', 'Build error: replica.', True)
    PROMOTION_ERROR = TaskStatus(0x55, 'PROMOTING', 'Promotion error.', True)
    EJECTION_ERROR = TaskStatus(0x56, 'EJECTING', 'Ejection error.', True)
    GROWING_ERROR = TaskStatus(0x57, 'RESIZING', 'Growing error.', True)
    SHRINKING_ERROR = TaskStatus(0x58, 'RESIZING', 'Shrinking error.', True)
    UPGRADING = TaskStatus(0x59, 'UPGRADING', 'Upgrading the instance.')
    UPGRADING_ERROR = TaskStatus(0x5A, 'UPGRADING', 'Upgrade error.', True)
    BUILDING_ERROR_TIMEOUT_GA = TaskStatus(0x5B, 'BUILDING', 'Build error: the guest did not come up.', True)
    BUILDING_ERROR_PORT = TaskStatus(0x5C, 'BUILDING', 'Build error: port.', True)
    UPDATING_ERROR_ACCESS = TaskStatus(0x5D, 'UPDATING', 'Access update error.', True)


_BY_CODE = {task.code: task for task in vars(Tasks).values() if isinstance(task, TaskStatus)}


class ServerStatus:
    """Words of the compute provider for a server, the same as Nova's."""

    BUILD = 'BUILD'
    ACTIVE = 'ACTIVE'
    ERROR = 'ERROR'
    REBOOT = 'REBOOT'
    REBUILD = 'REBUILD'
    RESIZE = 'RESIZE'
    VERIFY_RESIZE = 'VERIFY_RESIZE'
    REVERT_RESIZE = 'REVERT_RESIZE'
    SHUTOFF = 'SHUTOFF'
    SHUTDOWN = 'SHUTDOWN'
    DELETED = 'DELETED'
