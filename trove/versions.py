"""Version discovery, and the map from paths to the applications behind them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from oslo_config import cfg

from trove.common import auth, exception, wsgi
from trove.common import cfg as trove_cfg

VERSION = {'id': 'v1.0', 'status': 'CURRENT', 'updated': '2012-08-01T00:00:00Z'}

_WANTED = re.compile(r'application/vnd\.openstack\.trove\+json\s*;\s*version=([^;,\s]+)')


class VersionsApplication:
    """Tells which versions of the API there are."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        req = wsgi.Request(environ)
        if req.method != 'GET':
            raise exception.NotFound()
        path = req.path_info.strip('/')
        if path not in ('', VERSION['id']):
            raise exception.NotFound()
        view = self._view(req)
        response = wsgi.respond({'version': view} if path else {'versions': [view]})
        return response(environ, start_response)

    def _view(self, req: wsgi.Request) -> dict[str, Any]:
        base = (self._conf.public_endpoint or req.application_url).rstrip('/')
        return {**VERSION, 'links': [{'rel': 'self', 'href': f'{base}/{VERSION["id"]}/'}]}


def app_factory(_global_conf: Mapping[str, str], **_local_conf: str) -> VersionsApplication:
    """Paste application factory of version discovery."""
    trove_cfg.register(cfg.CONF, auth.CONTEXT_OPTS)
    return VersionsApplication(cfg.CONF)


class PathMap:
    """Sends a request to the application whose path it begins with; ``/`` is that of version discovery.

    A path without a version may ask for one by ``Accept: application/vnd.openstack.trove+json;version=1.0``.
    """

    def __init__(self, applications: Mapping[str, wsgi.Application]) -> None:
        self._applications = dict(applications)
        self._versions = self._applications.pop('/')

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        path = environ.get('PATH_INFO', '')
        for prefix, application in self._applications.items():
            if path.startswith(prefix + '/') and path != prefix + '/':
                return self._serve(application, prefix, environ, start_response)
            if path.rstrip('/') == prefix and prefix != wsgi.VERSION_PATH:
                return self._serve(application, prefix, environ, start_response)
        wanted = self._wanted_prefix(environ)
        if path.strip('/') in ('', VERSION['id']):
            return self._versions(environ, start_response)
        if wanted is None:
            raise exception.NotFound()
        return self._applications[wanted](environ, start_response)

    def _wanted_prefix(self, environ: Mapping[str, Any]) -> str | None:
        found = _WANTED.search(environ.get('HTTP_ACCEPT', ''))
        if found is None:
            return None
        prefix = '/v' + found.group(1)
        if prefix not in self._applications:
            raise exception.NotAcceptable()
        return prefix

    @staticmethod
    def _serve(
        application: wsgi.Application, prefix: str, environ: dict[str, Any], start_response: wsgi.StartResponse
    ) -> Iterable[bytes]:
        environ['SCRIPT_NAME'] = environ.get('SCRIPT_NAME', '') + prefix
        environ['PATH_INFO'] = environ['PATH_INFO'][len(prefix) :]
        return application(environ, start_response)


def path_map_factory(loader: Any, _global_conf: Mapping[str, str], **names: str) -> PathMap:
    """Paste composite factory: ``path = application name`` lines."""
    return PathMap({path: loader.get_app(name) for path, name in names.items()})
