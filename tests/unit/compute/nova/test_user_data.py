"""User data: what cloud-init will read."""

import base64
import email

import pytest
import yaml

from trove.common import exception
from trove.compute.nova import user_data

FILES = {'guest_info.conf': '[DEFAULT]\nguest_id = ä\n', 'trove-guestagent.conf': 'a: b\r\n#cloud-config\n'}


def files_of(text):
    assert text.startswith('#cloud-config\n')
    return yaml.safe_load(text)['write_files']


def test_files_are_for_root_only_and_come_as_they_are():
    written = files_of(user_data.make(FILES, '/etc/trove/conf.d'))
    assert [one['path'] for one in written] == [f'/etc/trove/conf.d/{name}' for name in sorted(FILES)]
    assert {(one['permissions'], one['owner'], one['encoding']) for one in written} == {('0600', 'root:root', 'b64')}
    contents = [base64.b64decode(one['content']).decode() for one in written]
    assert contents == [FILES[name] for name in sorted(FILES)]


@pytest.mark.parametrize(
    ('own', 'kind'),
    [
        ('#cloud-config\npackages: [vim]\n', 'text/cloud-config'),
        ('#!/bin/sh\ntrue\n', 'text/x-shellscript'),
        ('#cloud-boothook\ntrue\n', 'text/cloud-boothook'),
        ('#include\nhttp://cloud/\n', 'text/x-include-url'),
        ('## template: jinja\n#cloud-config\n', 'text/jinja2'),
    ],
)
def test_the_operators_own_comes_beside(own, kind):
    made = user_data.make(FILES, '/conf', own)
    assert made == user_data.make(FILES, '/conf', own)
    parts = email.message_from_string(made).get_payload()
    assert [part.get_content_type() for part in parts] == ['text/cloud-config', kind]
    assert len(files_of(parts[0].get_payload(decode=True).decode())) == len(FILES)
    assert parts[1].get_payload(decode=True).decode() == own
    merging = [part['Merge-Type'] for part in parts]
    assert merging[0].startswith('list(append)')
    assert (merging[1] is not None) == (kind == 'text/cloud-config')


def test_own_file_that_cloud_init_does_not_know():
    with pytest.raises(exception.ComputeError, match='begins with nothing'):
        user_data.make(FILES, '/conf', 'echo hello')


def test_too_much_for_nova():
    with pytest.raises(exception.ComputeError, match='larger than Nova takes'):
        user_data.make({'big.conf': 'x' * 40_000}, '/conf')


@pytest.mark.parametrize('name', ['../evil', '', '.hidden', 'a/b', 'a b'])
def test_names_of_files_stay_in_their_folder(name):
    with pytest.raises(exception.ComputeError, match='no name of a guest file'):
        user_data.make({name: ''}, '/conf')


def test_own_file_is_found_by_the_datastore(tmp_path):
    (tmp_path / 'redis.cloudinit').write_text('#!/bin/sh\n', encoding='utf-8')
    (tmp_path / 'mysql.cloudinit').write_bytes(b'\xff\xfe')
    assert user_data.read_own(str(tmp_path), 'redis') == '#!/bin/sh\n'
    assert user_data.read_own(str(tmp_path), 'mariadb') is None
    assert user_data.read_own(str(tmp_path), '') is None
    with pytest.raises(exception.ComputeError, match=r'mysql\.cloudinit cannot be read'):
        user_data.read_own(str(tmp_path), 'mysql')
