"""The service user's session: what it takes from the configuration, without a cloud."""

import pytest
from oslo_config import cfg

from trove.common import exception, keystone

PASSWORD = """
auth_type = password
auth_url = http://127.0.0.1:1/v3
username = trove
password = canary-of-a-password
project_name = service
user_domain_name = Default
project_domain_name = Default
"""


def configuration(folder, text):
    path = folder / 'trove.conf'
    path.write_text(f'[{keystone.GROUP}]\n{text}')
    conf = cfg.ConfigOpts()
    conf(['--config-file', str(path)], project='trove')
    return conf


def test_a_session_never_waits_forever(tmp_path):
    assert keystone.session(configuration(tmp_path, PASSWORD)).timeout == keystone.TIMEOUT_SECONDS
    assert keystone.session(configuration(tmp_path, PASSWORD + 'timeout = 3\n')).timeout == 3


def test_connections_are_limited(tmp_path):
    made = keystone.session(configuration(tmp_path, PASSWORD + 'connections = 2\n'))
    for url in ('http://cloud', 'https://cloud'):
        pool = made.session.get_adapter(url).poolmanager.connection_from_url(url)
        assert pool.pool.maxsize == 2
        assert pool.block


@pytest.mark.parametrize(
    ('text', 'told'),
    [
        ('', 'has no auth_type'),
        ('auth_type = password\n', 'auth_url'),
        ('auth_type = nonsense\n', 'nonsense'),
        ('auth_type = v3applicationcredential\n', 'application credential'),
    ],
)
def test_incomplete_credentials_are_told(tmp_path, text, told):
    with pytest.raises(exception.ConfigurationError, match=told):
        keystone.session(configuration(tmp_path, text))


def test_every_option_is_in_the_sample():
    ((group, options),) = keystone.list_opts()
    names = [option.dest for option in options]
    assert group == 'service_credentials'
    assert len(names) == len(set(names))
    assert {'auth_type', 'auth_url', 'username', 'password', 'region_name', 'interface', 'timeout'} <= set(names)
    assert all(option.help for option in options)
