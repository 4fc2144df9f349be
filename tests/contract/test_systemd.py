"""The units start what is installed, are understood by systemd, and stop the daemons in good order."""

import configparser
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / 'etc' / 'systemd'
UNITS = sorted(FOLDER.glob('*.service'))
PROGRAMS = '/opt/trove/bin'
OF_OTHERS = {'uwsgi'}
"""Programs of units that are not ours."""
GRACE_SECONDS = 60
"""How long a daemon of ours lets work end, by default (``graceful_shutdown_timeout``)."""


class Unit(configparser.RawConfigParser):
    """One unit; the last of several values of an option counts."""

    def __init__(self, path: pathlib.Path) -> None:
        super().__init__(strict=False, delimiters=('=',), comment_prefixes=('#',))
        self.read(path)

    def optionxform(self, optionstr: str) -> str:
        return optionstr


def name_of(path: pathlib.Path) -> str:
    return path.name


def need(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f'{program} is not installed here')
    return found


def scripts() -> set[str]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    return set(re.findall(r'^(\S+) =', parser['options.entry_points']['console_scripts'], re.MULTILINE))


def test_each_daemon_has_a_unit() -> None:
    daemons = {'trove-api', 'trove-conductor', 'trove-taskmanager'}
    assert daemons <= {path.stem for path in UNITS}
    assert daemons <= scripts()


@pytest.mark.parametrize('path', UNITS, ids=name_of)
def test_a_unit_starts_a_program_of_ours(path: pathlib.Path) -> None:
    program = pathlib.Path(Unit(path)['Service']['ExecStart'].split()[0])
    assert str(program.parent) == PROGRAMS
    assert program.name in scripts() | OF_OTHERS


@pytest.mark.parametrize('path', UNITS, ids=name_of)
def test_a_unit_has_no_rights_beyond_its_work_and_stops_gracefully(path: pathlib.Path) -> None:
    service = Unit(path)['Service']
    assert (service['User'], service['KillMode'], service['KillSignal']) == ('trove', 'mixed', 'SIGTERM')
    assert int(service['TimeoutStopSec']) > GRACE_SECONDS
    assert (service['Restart'], service['NoNewPrivileges'], service['ProtectSystem']) == ('always', 'yes', 'strict')
    assert service['CapabilityBoundingSet'] == ''


@pytest.mark.parametrize('path', UNITS, ids=name_of)
def test_systemd_understands_it(path: pathlib.Path, tmp_path: pathlib.Path) -> None:
    tool = need('systemd-analyze')
    programs = tmp_path / 'bin'
    programs.mkdir()
    for name in scripts() | OF_OTHERS:
        (programs / name).touch(mode=0o755)
    text = path.read_text().replace(PROGRAMS, str(programs))
    (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        [tool, '--man=no', '--recursive-errors=no', 'verify', str(tmp_path / path.name)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, '')


@pytest.mark.skipif(os.geteuid() != 0, reason='only root may give files away')
def test_account_and_rights_are_made(tmp_path: pathlib.Path) -> None:
    users, files = need('systemd-sysusers'), need('systemd-tmpfiles')
    (tmp_path / 'etc' / 'trove').mkdir(parents=True)
    for name in ('trove.conf', 'trove-guestagent.conf', 'secrets.key'):
        (tmp_path / 'etc' / 'trove' / name).touch(mode=0o644)
    subprocess.run([users, f'--root={tmp_path}', str(FOLDER / 'trove.sysusers')], check=True)
    account = (tmp_path / 'etc' / 'passwd').read_text()
    assert re.search(r'^trove:.*:/var/lib/trove:\S*nologin$', account, re.MULTILINE), account
    subprocess.run([files, f'--root={tmp_path}', '--create', str(FOLDER / 'trove.tmpfiles')], check=True)
    modes = {name: (tmp_path / name).stat().st_mode & 0o777 for name in ('etc/trove', 'var/lib/trove', 'var/log/trove')}
    assert set(modes.values()) == {0o750}
    assert (tmp_path / 'etc' / 'trove' / 'trove.conf').stat().st_mode & 0o777 == 0o640
    assert (tmp_path / 'etc' / 'trove' / 'secrets.key').stat().st_mode & 0o777 == 0o400


def test_the_uwsgi_example_names_our_application() -> None:
    parser = configparser.RawConfigParser(strict=False)
    parser.read(ROOT / 'etc' / 'trove' / 'uwsgi.ini')
    settings = parser['uwsgi']
    module, _, name = settings['module'].partition(':')
    assert f'{name} = ' in (ROOT / f'{module.replace(".", "/")}.py').read_text()
    assert (settings['lazy-apps'], settings['enable-threads'], settings['need-app']) == ('true', 'true', 'true')


def test_units_are_installed_with_the_package() -> None:
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    listed = parser['options.data_files']['share/trove/systemd'].split()
    assert {path for pattern in listed for path in ROOT.glob(pattern)} == set(FOLDER.iterdir())
