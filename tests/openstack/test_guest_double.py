"""The double of cloud-init understands what the nova provider hands over; this needs no cloud."""

import pytest

from tests.openstack.cloud import guest
from trove.compute.nova import user_data

FILES = {'guest_info.conf': '[DEFAULT]\nguest_id = 1\n', 'trove-guestagent.conf': '[DEFAULT]\r\nword = a$b é\n'}


def read(text):
    return {entry['path']: guest.content_of(entry).decode() for entry in guest.wanted_files(text.encode())}


def test_a_cloud_config():
    made = user_data.make(FILES, '/etc/trove/conf.d')
    assert read(made) == {f'/etc/trove/conf.d/{name}': content for name, content in FILES.items()}


@pytest.mark.parametrize('own', ['#!/bin/sh\necho hello\n', '#cloud-config\npackages: [vim]\n'])
def test_a_message_of_several_parts(own):
    made = user_data.make(FILES, '/etc/trove/conf.d', own)
    assert read(made) == {f'/etc/trove/conf.d/{name}': content for name, content in FILES.items()}


def test_a_file_outside_of_the_server_is_refused(tmp_path):
    drive = tmp_path / 'config-drive' / 'openstack' / 'latest'
    drive.mkdir(parents=True)
    (drive / 'user_data').write_text('#cloud-config\nwrite_files: [{path: /../../evil, content: x}]\n')
    names = {'DIR': tmp_path, 'ROOT': tmp_path / 'root', 'DEV': tmp_path / 'dev', 'CONFIG_DRIVE': drive.parents[1]}
    environment = {f'NOVA_PROC_{name}': str(path) for name, path in names.items()}
    server = guest.Server.find({**environment, 'NOVA_PROC_IP': '127.0.0.1', 'NOVA_PROC_UUID': 'x'})
    with pytest.raises(ValueError, match='leads out of the server'):
        guest.first_boot(server)
