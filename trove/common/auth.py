"""Who asks: HTTP basic authentication for one machine, the tenant check and the request context.

Filters of the paste pipeline. Whatever authenticates leaves the caller in the
headers ``X-User-Id``, ``X-Project-Id``, ``X-Roles`` and so on, as Keystone's
middleware does, and lets none of these in from outside.
"""

import base64
import binascii
import collections
import dataclasses
import hashlib
import hmac
import json
import os
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import bcrypt
from oslo_config import cfg
from oslo_log import log as logging

from trove.common import cfg as trove_cfg
from trove.common import context as trove_context
from trove.common import exception, policy, wsgi

LOG = logging.getLogger(__name__)

STRATEGY_OPTS = [
    cfg.StrOpt(
        'auth_strategy',
        default='standalone',
        help='How callers are authenticated: the name of a pipeline of [composite:api] in the paste file.',
    ),
]
GROUP = 'standalone_auth'
OPTS = [
    cfg.StrOpt(
        'password_file',
        default='/etc/trove/htpasswd',
        help='Users and bcrypt digests of their passwords, in htpasswd form. Read again when it changes.',
    ),
    cfg.StrOpt(
        'accounts_file',
        default='/etc/trove/accounts.json',
        help='JSON object: user name to {"project_id", "user_id", "roles": [...]}. Read again when it changes.',
    ),
]
REALM = 'Basic realm="trove"'
_WHO = ('USER', 'PROJECT', 'DOMAIN', 'USER_DOMAIN', 'PROJECT_DOMAIN', 'TENANT')
IDENTITY_HEADERS = (
    *(f'HTTP_X_{prefix}{who}_{what}' for prefix in ('', 'SERVICE_') for who in _WHO for what in ('ID', 'NAME')),
    *(f'HTTP_X_{prefix}{what}' for prefix in ('', 'SERVICE_') for what in ('ROLES', 'IDENTITY_STATUS')),
    'HTTP_X_USER',
    'HTTP_X_TENANT',
    'HTTP_X_ROLE',
    'HTTP_X_IS_ADMIN_PROJECT',
    'HTTP_X_SERVICE_CATALOG',
    'HTTP_X_AUTH_TOKEN',
    'HTTP_X_SERVICE_TOKEN',
    'HTTP_X_STORAGE_TOKEN',
    'HTTP_OPENSTACK_SYSTEM_SCOPE',
)
"""Headers by which a request tells who asks; whoever authenticates writes them and nobody outside."""


class BasicCredentialsRequired(exception.Unauthorized):
    """Missing and wrong credentials get the same answer, so that names cannot be probed."""

    message = 'User name and password are required.'


# -- pipelines ---------------------------------------------------------------------------


def pipeline_factory(loader: Any, _global_conf: Mapping[str, str], **pipelines: str) -> wsgi.Application:
    """Paste composite factory: build the pipeline that ``auth_strategy`` names."""
    conf = cfg.CONF
    trove_cfg.register(conf, STRATEGY_OPTS)
    if conf.auth_strategy not in pipelines:
        known = ', '.join(sorted(pipelines))
        reason = f"auth_strategy '{conf.auth_strategy}' names no pipeline of the paste file (there are: {known})"
        raise exception.ConfigurationError(reason=reason)
    *filters, application = pipelines[conf.auth_strategy].split()
    built: wsgi.Application = loader.get_app(application)
    for name in reversed(filters):
        built = loader.get_filter(name)(built)
    return built


# -- http basic --------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Account:
    """What a user name stands for."""

    user_id: str
    project_id: str
    roles: tuple[str, ...] = ()


def read_passwords(text: str) -> dict[str, bytes]:
    """Return the bcrypt digests of an htpasswd file by user name; ``ConfigurationError`` for any other digest."""
    digests = {}
    for line in text.splitlines():
        if not line.strip() or line.startswith('#'):
            continue
        name, _colon, digest = line.strip().partition(':')
        if not digest.startswith(('$2a$', '$2b$', '$2y$')):
            raise exception.ConfigurationError(reason=f"the password of user '{name}' is no bcrypt digest")
        digests[name] = digest.encode()
    return digests


def read_accounts(text: str) -> dict[str, Account]:
    """Return the accounts of an accounts file by user name."""
    try:
        return {
            name: Account(str(entry['user_id']), str(entry['project_id']), tuple(entry.get('roles', ())))
            for name, entry in json.loads(text).items()
        }
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = 'the accounts file must map user names to {"project_id", "user_id", "roles"}'
        raise exception.ConfigurationError(reason=reason) from error


class WatchedFile:
    """A file's content, parsed; read again when the file was replaced or changed."""

    def __init__(self, path: str, parse: Callable[[str], dict[str, Any]]) -> None:
        self._path = path
        self._parse = parse
        self._stamp: tuple[int, int, int] | None = None
        self._content: dict[str, Any] = {}

    def entries(self) -> dict[str, Any]:
        """Return the entries by user name; ``ConfigurationError`` when the file cannot be used."""
        try:
            found = os.stat(self._path)
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if stamp != self._stamp:
                with open(self._path, encoding='utf-8') as stream:
                    self._content = self._parse(stream.read())
                self._stamp = stamp
        except (OSError, UnicodeError) as error:
            reason = f'{self._path} cannot be read ({type(error).__name__})'
            raise exception.ConfigurationError(reason=reason) from error
        return self._content


class Verdicts:
    """Remembers which passwords fit which digests, because bcrypt is slow by design.

    The key is a keyed hash of digest and password, so no password stays in
    memory, and a changed password file makes old verdicts unreachable.
    """

    def __init__(self, size: int = 1024, check: Callable[[bytes, bytes], bool] = bcrypt.checkpw) -> None:
        self._size = size
        self._check = check
        self._secret = secrets.token_bytes(32)
        self._known: collections.OrderedDict[bytes, bool] = collections.OrderedDict()
        self._lock = threading.Lock()

    def fits(self, password: bytes, digest: bytes) -> bool:
        """Return whether the digest was made from the password."""
        key = hmac.new(self._secret, digest + b'\0' + password, hashlib.sha256).digest()
        with self._lock:
            if key in self._known:
                self._known.move_to_end(key)
                return self._known[key]
        try:
            verdict = self._check(password, digest)
        except ValueError:
            # bcrypt refuses passwords that it would cut off, and digests that are none.
            verdict = False
        with self._lock:
            self._known[key] = verdict
            if len(self._known) > self._size:
                self._known.popitem(last=False)
        return verdict


class BasicAuth:
    """Filter: HTTP basic authentication against a password file."""

    def __init__(
        self, application: wsgi.Application, passwords: WatchedFile, accounts: WatchedFile, verdicts: Verdicts
    ) -> None:
        self._application = application
        self._passwords = passwords
        self._accounts = accounts
        self._verdicts = verdicts

    @classmethod
    def factory(cls, _global_conf: Mapping[str, str], **_local_conf: str) -> Callable[[wsgi.Application], 'BasicAuth']:
        """Paste filter factory; reads ``[standalone_auth]``."""
        conf = cfg.CONF
        trove_cfg.register(conf, OPTS, GROUP)
        passwords = WatchedFile(conf[GROUP].password_file, read_passwords)
        accounts = WatchedFile(conf[GROUP].accounts_file, read_accounts)
        return lambda application: cls(application, passwords, accounts, Verdicts())

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        for header in IDENTITY_HEADERS:
            environ.pop(header, None)
        try:
            account = self._authenticate(environ.pop('HTTP_AUTHORIZATION', ''))
        except BasicCredentialsRequired as error:
            response = wsgi.fault_of(error)
            response.headers['WWW-Authenticate'] = REALM
            return response(environ, start_response)
        environ.update(
            HTTP_X_IDENTITY_STATUS='Confirmed',
            HTTP_X_USER_ID=account.user_id,
            HTTP_X_PROJECT_ID=account.project_id,
            HTTP_X_TENANT_ID=account.project_id,
            HTTP_X_ROLES=','.join(account.roles),
        )
        return self._application(environ, start_response)

    def _authenticate(self, header: str) -> Account:
        name, password = parse_basic(header)
        digests = self._passwords.entries()
        # An unknown user is checked against somebody else's digest, to take as long as a known one.
        digest = digests.get(name) or next(iter(digests.values()), b'')
        is_right = self._verdicts.fits(password, digest)
        account: Account | None = self._accounts.entries().get(name)
        if name not in digests or not is_right:
            LOG.info('A request with unknown credentials was refused')
            raise BasicCredentialsRequired()
        if account is None:
            LOG.error("User '%s' has a password but no account; add it to the accounts file", name)
            raise BasicCredentialsRequired()
        return account


def parse_basic(header: str) -> tuple[str, bytes]:
    """Return user name and password of an ``Authorization`` header; ``BasicCredentialsRequired`` if there are none."""
    scheme, _blank, token = header.strip().partition(' ')
    try:
        if scheme.lower() != 'basic':
            raise BasicCredentialsRequired()
        name, colon, password = base64.b64decode(token.strip(), validate=True).partition(b':')
        if not colon:
            raise BasicCredentialsRequired()
        return name.decode('utf-8'), password
    except (binascii.Error, ValueError) as error:
        raise BasicCredentialsRequired() from error


# -- tenant and context ------------------------------------------------------------------


class TenantCheck:
    """Filter: the project in the path must be the caller's own, for administrators too."""

    def __init__(self, application: wsgi.Application) -> None:
        self._application = application

    @classmethod
    def factory(
        cls, _global_conf: Mapping[str, str], **_local_conf: str
    ) -> Callable[[wsgi.Application], 'TenantCheck']:
        """Paste filter factory."""
        return cls

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        project_id = environ.get('HTTP_X_PROJECT_ID') or environ.get('HTTP_X_TENANT_ID')
        if not project_id or not environ.get('HTTP_X_USER_ID'):
            raise exception.Unauthorized()
        if environ.get('PATH_INFO', '').split('/')[1:2] != [project_id]:
            LOG.info('A request for another project than the own one was refused')
            response = wsgi.raw_fault('403 Forbidden', 'The project in the path is not the one of your credentials.')
            return response(environ, start_response)
        return self._application(environ, start_response)


CONTEXT_OPTS = [
    cfg.StrOpt(
        'public_endpoint',
        help='Base of the links in answers, such as https://database.example.org; without it, what the request used.',
    ),
]


class ContextFilter:
    """Filter: makes the request context from what the authentication left in the headers."""

    def __init__(self, application: wsgi.Application, conf: cfg.ConfigOpts) -> None:
        self._application = application
        self._conf = conf

    @classmethod
    def factory(
        cls, _global_conf: Mapping[str, str], **_local_conf: str
    ) -> Callable[[wsgi.Application], 'ContextFilter']:
        """Paste filter factory."""
        conf = cfg.CONF
        trove_cfg.register(conf, [*CONTEXT_OPTS, *policy.OPTS])
        return lambda application: cls(application, conf)

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        context = trove_context.TroveContext.from_environ(
            environ,
            is_admin=False,
            roles=_roles(environ),
            service_catalog=_catalog(environ),
            client_ip=environ.get('REMOTE_ADDR'),
            server_ip=environ.get('HTTP_HOST'),
        )
        context.is_admin = policy.is_admin(context, self._conf.admin_roles)
        environ[wsgi.CONTEXT_KEY] = context
        environ[wsgi.ENDPOINT_KEY] = (self._conf.public_endpoint or '').rstrip('/')
        return self._application(environ, start_response)


def _roles(environ: Mapping[str, Any]) -> list[str]:
    text = environ.get('HTTP_X_ROLES') or environ.get('HTTP_X_ROLE') or ''
    return [role.strip() for role in text.split(',') if role.strip()]


def _catalog(environ: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return Keystone's service catalogue; empty where there is none."""
    text = environ.get('HTTP_X_SERVICE_CATALOG')
    return json.loads(text) if text else []
