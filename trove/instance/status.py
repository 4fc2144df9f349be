"""What a tenant is told of an instance's state, computed from what we know, asking nobody."""

import datetime

from trove.common import states
from trove.db import models

SHOWN_SERVER_STATUSES = ('BUILD', 'ERROR', 'REBOOT', 'RESIZE', 'ACTIVE', 'SHUTDOWN')
BY_TASK = {
    states.Tasks.REBOOTING.code: 'REBOOT',
    states.Tasks.RESIZING.code: 'RESIZE',
    states.Tasks.UPGRADING.code: 'UPGRADE',
    states.Tasks.RESTART_REQUIRED.code: 'RESTART_REQUIRED',
    states.Tasks.PROMOTING.code: 'PROMOTE',
    states.Tasks.EJECTING.code: 'EJECT',
    states.Tasks.LOGGING.code: 'LOGGING',
    states.Tasks.DETACHING.code: 'DETACH',
}
DELETABLE_SERVER_STATUSES = (None, 'ACTIVE', 'SHUTDOWN', 'SHUTOFF', 'DELETED', 'BUILD', 'REBOOT')


def status_of(record: models.Instance) -> str:
    """Return the status of an instance; the first rule that matches wins."""
    task = states.TaskStatus.find(record.task_code)
    if task.is_error:
        return 'ERROR'
    if task is states.Tasks.BUILDING:
        return 'ERROR' if record.server_status == states.ServerStatus.ERROR else 'BUILD'
    if task.code in BY_TASK:
        return BY_TASK[task.code]
    if task is states.Tasks.DELETING:
        # A build that is deleted has a server that never was active; its deletion is no error.
        return 'SHUTDOWN' if record.server_status in DELETABLE_SERVER_STATUSES else 'ERROR'
    if record.server_status in SHOWN_SERVER_STATUSES:
        return str(record.server_status)
    return 'RESIZE' if record.server_status == 'VERIFY_RESIZE' else 'UNKNOWN'


def service_of(
    record: models.Instance, service: models.ServiceStatus | None, now: datetime.datetime, expiry_seconds: int
) -> states.ServiceStatus:
    """Return the state of the database service; that of a guest long silent is an error of the guest."""
    if service is None:
        return states.UNKNOWN
    status = states.ServiceStatus.find(service.description)
    is_silent = (now - service.updated).total_seconds() > expiry_seconds
    # The guest of a build has still to speak for the first time.
    is_expected = record.task_code == states.Tasks.NONE.code or service.sent > 0
    if is_silent and is_expected and status is not states.RESTART_REQUIRED:
        return states.FAILED_TIMEOUT_GUESTAGENT
    return status


def operating_status_of(record: models.Instance, service: states.ServiceStatus) -> str:
    """Return the state of the service as it is shown: empty while a task runs or the server is not active."""
    is_idle = record.task_code == states.Tasks.NONE.code
    if not is_idle or record.server_status != states.ServerStatus.ACTIVE:
        return ''
    return service.api_status
