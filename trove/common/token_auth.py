"""Keystone's tokens: what stands around Keystone's own middleware, which is loaded by the paste file alone.

Nothing here imports it, so that an installation without Keystone neither needs nor loads it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import webob
from oslo_config import cfg
from oslo_log import log as logging

from trove.common import exception, wsgi

LOG = logging.getLogger(__name__)

GROUP = 'keystone_authtoken'
REACHED_KEY = 'trove.token_accepted'
REFUSED = exception.Unauthorized('A valid token of Keystone is required; yours is missing, expired or unknown.')
AWAY = exception.ServiceUnavailable('Tokens cannot be checked at the moment; try again.')


def check(conf: cfg.ConfigOpts) -> None:
    """Raise ``ConfigurationError`` when the middleware could not check a single token."""
    if GROUP in conf and not (conf[GROUP].auth_type or conf[GROUP].auth_section):
        reason = f'[{GROUP}] has no auth_type, so that no token could be checked; set it and the login that it needs'
        raise exception.ConfigurationError(reason=reason)


class TokenFaults:
    """Filter around the middleware: its refusals get the form that all our faults have.

    ``WWW-Authenticate`` and the other headers of the refusal stay. What the API itself answers passes as it is.
    """

    def __init__(self, application: wsgi.Application) -> None:
        self._application = application

    @classmethod
    def factory(
        cls, _global_conf: Mapping[str, str], **_local_conf: str
    ) -> Callable[[wsgi.Application], 'TokenFaults']:
        """Paste filter factory, called when the middleware is there."""
        check(cfg.CONF)
        return cls

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        environ.pop(REACHED_KEY, None)
        answer = webob.Request(environ).get_response(self._application)
        error = {401: REFUSED, 503: AWAY}.get(answer.status_int)
        if error is None or REACHED_KEY in environ:
            return answer(environ, start_response)
        response = wsgi.fault_of(error)
        for name in ('WWW-Authenticate', 'Retry-After'):
            if name in answer.headers:
                response.headers[name] = answer.headers[name]
        return response(environ, start_response)


class ProjectScope:
    """Filter behind the middleware: lets only tokens of a project pass.

    A token without scope, of a domain or of the system stands for no project, and everything here belongs to
    one. That is a 403 and not a 401, because asking for the same token once more would not help.
    """

    def __init__(self, application: wsgi.Application) -> None:
        self._application = application

    @classmethod
    def factory(
        cls, _global_conf: Mapping[str, str], **_local_conf: str
    ) -> Callable[[wsgi.Application], 'ProjectScope']:
        """Paste filter factory."""
        return cls

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        environ[REACHED_KEY] = True
        if not environ.get('HTTP_X_PROJECT_ID'):
            scope = _scope(environ)
            LOG.info('A request with a token %s was refused', scope)
            raise exception.Forbidden(f'Your token is {scope}; ask Keystone for one of the project in the path.')
        return self._application(environ, start_response)


def _scope(environ: Mapping[str, Any]) -> str:
    if environ.get('HTTP_OPENSTACK_SYSTEM_SCOPE'):
        return 'of the whole system'
    if environ.get('HTTP_X_DOMAIN_ID'):
        return 'of a domain'
    return 'without scope'
