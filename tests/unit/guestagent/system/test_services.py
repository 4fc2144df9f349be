"""Units of systemd; the processes of the other kind are shown by the contract tests."""

import dataclasses
import signal

import pytest

from trove.common import exception
from trove.guestagent.system import services

UNIT = services.Unit(
    name='trove-some',
    argv=('/usr/bin/engine', '--file', '/etc/with blank'),
    log_file='/var/log/some.log',
    user='some',
    environment={'KEY': 'value with blank'},
    stop_signal=signal.SIGINT,
    run_folder='/run/some',
    data_folder='/volume/data',
)


class Systemctl:
    """Remembers commands; those in ``failing`` fail."""

    def __init__(self):
        self.commands = []
        self.failing = set()

    def __call__(self, argv):
        command = ' '.join(argv[1:])
        self.commands.append(command)
        if command in self.failing:
            raise exception.GuestError(reason='systemctl ended with code 3')
        return ''


@pytest.fixture
def systemctl():
    return Systemctl()


@pytest.fixture
def systemd(systemctl, tmp_path):
    return services.SystemdServices(systemctl, str(tmp_path))


def test_start_writes_the_unit_once(systemd, systemctl, tmp_path):
    systemd.start(UNIT)
    systemd.start(UNIT)
    assert systemctl.commands == ['daemon-reload', *['enable trove-some', 'start trove-some'] * 2]
    text = (tmp_path / 'trove-some.service').read_text()
    assert "ExecStart=/usr/bin/engine --file '/etc/with blank'" in text
    for line in (
        'User=some',
        'KillSignal=SIGINT',
        "Environment='KEY=value with blank'",
        'Restart=on-failure',
        'RuntimeDirectory=some',
        'ConditionPathIsDirectory=/volume/data',
        'RequiresMountsFor=/volume/data',
    ):
        assert line in text.splitlines()


def test_stop_of_an_unknown_unit_does_nothing(systemd, systemctl):
    systemd.stop('trove-some')
    assert systemctl.commands == []
    systemd.start(UNIT)
    systemd.stop('trove-some')
    assert systemctl.commands[-1] == 'disable --now trove-some'


def test_questions_are_answered_by_the_code(systemd, systemctl):
    assert systemd.is_running('trove-some')
    assert systemd.is_wanted('trove-some')
    systemctl.failing = {'is-active --quiet trove-some', 'is-enabled --quiet trove-some'}
    assert not systemd.is_running('trove-some')
    assert not systemd.is_wanted('trove-some')


def test_first_look_starts_what_is_wanted_once(systemd, systemctl, tmp_path):
    # systemd came to these units at boot before their data were mounted.
    systemd.start(UNIT)
    systemd.start(dataclasses.replace(UNIT, name='trove-stopped'))
    (tmp_path / 'trove-guestagent.service').write_text('[Unit]\n')
    (tmp_path / 'trove-away.service').symlink_to('/nowhere')
    (tmp_path / 'trove-folder.service.d').mkdir()
    systemctl.failing = {'is-enabled --quiet trove-stopped'}
    agent = services.SystemdServices(systemctl, str(tmp_path))
    systemctl.commands.clear()
    agent.tend()
    agent.tend()
    assert [command for command in systemctl.commands if command.startswith('start')] == ['start trove-some']
