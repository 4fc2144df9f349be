"""The states that a tenant is shown."""

import datetime

import pytest

from trove.common import states
from trove.db import models
from trove.instance import status

NOW = datetime.datetime(2026, 1, 1, 12, 0, 0)


def record(task: states.TaskStatus = states.Tasks.NONE, server_status: str | None = 'ACTIVE') -> models.Instance:
    return models.Instance(task_code=task.code, server_status=server_status)


@pytest.mark.parametrize(
    ('task', 'server_status', 'shown'),
    [
        (states.Tasks.BUILDING_ERROR_SERVER, 'ACTIVE', 'ERROR'),
        (states.Tasks.BUILDING, None, 'BUILD'),
        (states.Tasks.BUILDING, 'ACTIVE', 'BUILD'),
        (states.Tasks.BUILDING, 'ERROR', 'ERROR'),
        (states.Tasks.REBOOTING, 'ACTIVE', 'REBOOT'),
        (states.Tasks.RESIZING, 'VERIFY_RESIZE', 'RESIZE'),
        (states.Tasks.UPGRADING, 'ACTIVE', 'UPGRADE'),
        (states.Tasks.RESTART_REQUIRED, 'ACTIVE', 'RESTART_REQUIRED'),
        (states.Tasks.PROMOTING, 'ACTIVE', 'PROMOTE'),
        (states.Tasks.EJECTING, 'ACTIVE', 'EJECT'),
        (states.Tasks.LOGGING, 'ACTIVE', 'LOGGING'),
        (states.Tasks.DETACHING, 'ACTIVE', 'DETACH'),
        (states.Tasks.DELETING, 'ACTIVE', 'SHUTDOWN'),
        (states.Tasks.DELETING, None, 'SHUTDOWN'),
        (states.Tasks.DELETING, 'ERROR', 'ERROR'),
        (states.Tasks.NONE, 'ACTIVE', 'ACTIVE'),
        (states.Tasks.NONE, 'SHUTDOWN', 'SHUTDOWN'),
        (states.Tasks.NONE, 'VERIFY_RESIZE', 'RESIZE'),
        (states.Tasks.NONE, 'SHUTOFF', 'UNKNOWN'),
        (states.Tasks.MIGRATING, 'ACTIVE', 'ACTIVE'),
        (states.Tasks.NONE, None, 'UNKNOWN'),
    ],
)
def test_status(task: states.TaskStatus, server_status: str | None, shown: str) -> None:
    assert status.status_of(record(task, server_status)) == shown


def service(description: str, age_seconds: int) -> models.ServiceStatus:
    sent = 0.0 if description == 'new' else 1.0
    updated = NOW - datetime.timedelta(seconds=age_seconds)
    return models.ServiceStatus(description=description, sent=sent, updated=updated)


@pytest.mark.parametrize(
    ('task', 'description', 'age_seconds', 'expected'),
    [
        (states.Tasks.NONE, 'healthy', 90, states.HEALTHY),
        (states.Tasks.NONE, 'healthy', 91, states.FAILED_TIMEOUT_GUESTAGENT),
        (states.Tasks.REBOOTING, 'healthy', 90, states.HEALTHY),
        (states.Tasks.REBOOTING, 'healthy', 91, states.FAILED_TIMEOUT_GUESTAGENT),
        (states.Tasks.BUILDING, 'building', 91, states.FAILED_TIMEOUT_GUESTAGENT),
        (states.Tasks.BUILDING, 'new', 91, states.NEW),
        (states.Tasks.NONE, 'restart required', 91, states.RESTART_REQUIRED),
        (states.Tasks.NONE, 'words of a newer guest', 1, states.UNKNOWN),
    ],
)
def test_a_silent_guest_is_an_error(
    task: states.TaskStatus, description: str, age_seconds: int, expected: states.ServiceStatus
) -> None:
    found = status.service_of(record(task), service(description, age_seconds), NOW, expiry_seconds=90)
    assert found == expected


def test_an_instance_that_nobody_reported_on_is_unknown() -> None:
    assert status.service_of(record(), None, NOW, expiry_seconds=90) is states.UNKNOWN


@pytest.mark.parametrize(
    ('task', 'server_status', 'shown'),
    [
        (states.Tasks.NONE, 'ACTIVE', 'HEALTHY'),
        (states.Tasks.NONE, 'SHUTDOWN', ''),
        (states.Tasks.REBOOTING, 'ACTIVE', ''),
    ],
)
def test_operating_status(task: states.TaskStatus, server_status: str, shown: str) -> None:
    assert status.operating_status_of(record(task, server_status), states.HEALTHY) == shown
