"""The command line of trove-manage: what it takes and what it refuses."""

import pytest

from trove.cmd import manage


def parse(*words):
    return manage._parser().parse_args(words)


def test_configuration_files_come_before_the_command():
    arguments = parse('--config-file', 'a.conf', '--config-file=b.conf', '--config-dir', 'd', 'db_sync')
    assert (arguments.config_file, arguments.config_dir) == (['a.conf', 'b.conf'], ['d'])
    assert (arguments.function, arguments.version, arguments.repo_path) == (manage.db_sync, None, None)


def test_vendors_repository_and_version():
    arguments = parse('db_sync', '--repo_path=/opt/acme', '--version', '12')
    assert (arguments.repo_path, arguments.version) == ('/opt/acme', 12)
    assert parse('db_version', '--repo_path', '/opt/acme').repo_path == '/opt/acme'


def test_version_of_a_datastore():
    arguments = parse(
        'datastore_version_update', 'mysql', '10.11', 'mariadb', '', '', '1', '--version', '10.11.6',
        '--registry-ext', 'acme:acme.Manager', '--repl-strategy', 'acme.Gtid',
    )  # fmt: skip
    assert (arguments.datastore, arguments.version_name, arguments.manager) == ('mysql', '10.11', 'mariadb')
    assert (arguments.image_id, arguments.packages, arguments.active, arguments.version) == ('', '', True, '10.11.6')
    assert (arguments.registry_ext, arguments.repl_strategy) == ('acme:acme.Manager', 'acme.Gtid')


@pytest.mark.parametrize(('word', 'is_active'), [('1', True), ('True', True), ('0', False), ('no', False)])
def test_active_is_told_in_several_words(word, is_active):
    assert parse('datastore_version_update', 'd', 'v', 'm', '', '', word).active is is_active


@pytest.mark.parametrize(
    'words',
    [
        (),
        ('db_drop',),
        ('db_sync', '--version', '-1'),
        ('db_sync', '--version', 'newest'),
        ('datastore_update', 'mysql'),
        ('datastore_version_update', 'd', 'v', 'm', '', '', 'perhaps'),
    ],
)
def test_bad_command_line_is_refused(words, capsys):
    with pytest.raises(SystemExit) as caught:
        parse(*words)
    assert caught.value.code == 2
    assert 'usage: trove-manage' in capsys.readouterr().err


def test_each_command_tells_what_it_is_for(capsys):
    with pytest.raises(SystemExit):
        parse('--help')
    shown = capsys.readouterr().out
    for name in (
        'db_sync',
        'db_version',
        'datastore_update',
        'datastore_version_update',
        'db_load_datastore_config_parameters',
        'make_secrets_key',
        'plugins',
    ):
        assert name in shown


def test_key_is_written_once(tmp_path, capsys):
    path = tmp_path / 'secrets.key'
    assert manage.main(['make_secrets_key', str(path)]) == 0
    key = path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600
    assert manage.main(['make_secrets_key', str(path)]) == 0
    assert path.read_bytes() == key
    assert key.decode().strip() not in capsys.readouterr().out


def test_expected_error_is_one_line(tmp_path, capsys):
    assert manage.main(['make_secrets_key', str(tmp_path / 'nowhere' / 'key')]) == 1
    shown = capsys.readouterr()
    assert shown.out == ''
    assert shown.err.startswith('trove-manage: ')
    assert shown.err.count('\n') == 1
