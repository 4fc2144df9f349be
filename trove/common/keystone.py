"""How we ourselves log in to a cloud: the service user's session, its options and its limits.

For the server half only; the guest has no credentials of the cloud.
"""

import requests
from keystoneauth1 import exceptions, loading
from keystoneauth1 import session as keystone_session
from oslo_config import cfg

from trove import version
from trove.common import cfg as trove_cfg
from trove.common import exception

GROUP = 'service_credentials'
OPTS = [
    cfg.StrOpt('region_name', help='Region of the cloud to work in; without it, the first one in the catalogue.'),
    cfg.StrOpt(
        'interface',
        default='internal',
        choices=[
            ('public', 'the one that users reach'),
            ('internal', 'the one for services'),
            ('admin', 'the one for administration, where there still is one'),
        ],
        help='Which of the endpoints in the catalogue are used.',
    ),
    cfg.IntOpt(
        'connections',
        default=16,
        min=1,
        help='Connections that one process holds to one endpoint at the same time; what is over waits for one.',
    ),
]
TIMEOUT_SECONDS = 20.0


def _session_opts() -> list[cfg.Opt]:
    """Return what a session reads, with a timeout: without one, a cloud that hangs would hang a step forever."""
    options = [option for option in loading.get_session_conf_options() if option.dest != 'timeout']
    timeout = cfg.FloatOpt(
        'timeout', default=TIMEOUT_SECONDS, min=1, help='Seconds that the cloud may take to answer one request.'
    )
    return [*options, timeout]


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Return the options for the sample configuration, those of a login by password among them."""
    return [(GROUP, [*OPTS, *_session_opts(), *loading.get_auth_common_conf_options(), *login_opts()])]


def login_opts() -> list[cfg.Opt]:
    """Return the options of the usual login, which are read where ``auth_type`` is ``password``."""
    options: list[cfg.Opt] = loading.get_auth_plugin_conf_options('password')
    return options


def register(conf: cfg.ConfigOpts) -> None:
    """Register the options of this group; which others there are depends on ``auth_type``."""
    trove_cfg.register(conf, [*OPTS, *_session_opts()], GROUP)
    loading.register_auth_conf_options(conf, GROUP)


def session(conf: cfg.ConfigOpts) -> keystone_session.Session:
    """Return a new session of the service user; nothing is called yet.

    It gets its token at the first request and a new one when that expires or is refused. It may be used by
    many threads. Raises ``ConfigurationError`` when the credentials are incomplete.
    """
    register(conf)
    try:
        login = loading.load_auth_from_conf_options(conf, GROUP)
    except (exceptions.AuthPluginException, exceptions.OptionError) as error:
        raise exception.ConfigurationError(reason=f'[{GROUP}]: {error}') from error
    if login is None:
        raise exception.ConfigurationError(reason=f'[{GROUP}] has no auth_type; set it to password or to another one')
    made: keystone_session.Session = loading.load_session_from_conf_options(
        conf,
        GROUP,
        auth=login,
        session=_connections(conf),
        app_name='trove',
        app_version=version.version_string(),
    )
    return made


def _connections(conf: cfg.ConfigOpts) -> requests.Session:
    settings = conf[GROUP]
    made = requests.Session()
    for scheme in ('http://', 'https://'):
        adapter = keystone_session.TCPKeepAliveAdapter(
            pool_maxsize=settings.connections,
            pool_block=True,
            tls_ciphers=settings.tls_ciphers,
            tls_min_version=settings.tls_min_version,
        )
        made.mount(scheme, adapter)
    return made
