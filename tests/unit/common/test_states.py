"""The states of the contract."""

import pytest

from trove.common import states


@pytest.mark.parametrize(
    ('description', 'api_status'),
    [
        ('running', 'ACTIVE'),
        ('crashed', 'SHUTDOWN'),
        ('building', 'BUILD'),
        ('new', 'NEW'),
        ('healthy', 'HEALTHY'),
        ('guestagent error', 'ERROR'),
        ('restarting', 'RESTARTING'),
        ('upgrading', 'UPGRADING'),
        ('something else', 'ERROR'),
    ],
)
def test_service_status(description: str, api_status: str) -> None:
    assert states.ServiceStatus.find(description).api_status == api_status


def test_task_status() -> None:
    assert states.TaskStatus.find(0x05) is states.Tasks.BUILDING
    assert states.Tasks.BUILDING_ERROR_PORT.is_error
    with pytest.raises(KeyError):
        states.TaskStatus.find(0xFF)
