"""Names of processes."""

import pytest

from trove.common import processes


def test_this_process_lives() -> None:
    name = processes.own_name('host')
    assert not processes.is_dead(name, 'host')


@pytest.mark.parametrize('change', [(1, 'another'), (2, '4194305'), (3, '1')])
def test_another_boot_pid_or_start_is_dead(change: tuple[int, str]) -> None:
    parts = processes.own_name('host').split('/')
    parts[change[0]] = change[1]
    assert processes.is_dead('/'.join(parts), 'host')


@pytest.mark.parametrize('name', ['', 'another/1/2/3', 'host/2/3', 'host'])
def test_nothing_is_known_of_others(name: str) -> None:
    assert not processes.is_dead(name, 'host')
