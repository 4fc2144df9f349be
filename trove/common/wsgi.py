"""The web half's ground: requests, results, controllers, the route table and faults.

A controller holds methods such as ``index(req, tenant_id)``, ``show(req, tenant_id, id)`` and
``create(req, body, tenant_id)`` which return a ``Result`` or raise an error of
``trove.common.exception``; here and only here errors become HTTP answers.
"""

import dataclasses
import inspect
import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import routes
import webob
import webob.dec
import webob.exc
from oslo_log import log as logging

from trove.common import body as request_body
from trove.common import context as trove_context
from trove.common import exception, schema

LOG = logging.getLogger(__name__)

CONTEXT_KEY = 'trove.context'
ENDPOINT_KEY = 'trove.public_endpoint'
ROUTE_KEY = 'wsgiorg.routing_args'
JSON_TYPE = 'application/json'
METHODS_WITH_BODY = ('POST', 'PUT', 'PATCH')
VERSION_PATH = '/v1.0'

StartResponse = Callable[..., Any]
Application = Callable[[dict[str, Any], StartResponse], Iterable[bytes]]


class Request(webob.Request):
    """A request of a tenant."""

    @property
    def context(self) -> trove_context.TroveContext:
        """Who asks; the context filter put it there."""
        context: trove_context.TroveContext = self.environ[CONTEXT_KEY]
        return context

    @property
    def endpoint(self) -> str:
        """Base of all links: option ``public_endpoint``, else scheme and host of this request."""
        configured: str | None = self.environ.get(ENDPOINT_KEY)
        return configured or self.host_url

    def links(self, collection: str, identifier: str) -> list[dict[str, str]]:
        """Return the links ``self`` and ``bookmark`` of one resource of the caller's project."""
        base = self.endpoint
        path = f'/{collection}/{identifier}'
        return [
            {'rel': 'self', 'href': f'{base}{VERSION_PATH}/{self.context.project_id}{path}'},
            {'rel': 'bookmark', 'href': f'{base}{path}'},
        ]

    def is_true(self, name: str) -> bool:
        """Return whether a query parameter says ``true``, in any case, as clients write booleans."""
        return str(self.GET.get(name, '')).lower() == 'true'


@dataclasses.dataclass(frozen=True)
class Result:
    """What a controller answers: JSON data (None: an empty body) and an HTTP status."""

    data: Any = None
    status: int = 200


class Controller:
    """Base of all controllers.

    ``schemas`` holds the JSON schema of a body per method name.
    """

    schemas: Mapping[str, Mapping[str, Any]] = {}

    def get_schema(self, action: str, body: Any) -> Mapping[str, Any] | None:
        """Return the schema that a body must fulfil; ``action`` is the method's name."""
        return self.schemas.get(action)

    def create_resource(self) -> 'Resource':
        """Return the WSGI application that serves this controller."""
        return Resource(self)


class Resource:
    """Makes a controller a WSGI application: reads the body, checks it, calls the method, writes the answer."""

    def __init__(self, controller: Controller) -> None:
        self.controller = controller
        self._body_uses: dict[str, tuple[bool, bool]] = {}

    def action_names(self) -> list[str]:
        """Return what a body of ``POST .../action`` may name, as its schema tells."""
        return sorted(self.controller.schemas.get('action', {}).get('properties', {}))

    @webob.dec.wsgify(RequestClass=Request)
    def __call__(self, req: Request) -> webob.Response:
        arguments = dict(req.environ[ROUTE_KEY][1])
        action = arguments.pop('action')
        arguments.pop('format', None)
        check_query(req)
        method = getattr(self.controller, action, None)
        if method is None:
            raise exception.NotFound()
        arguments.update(self._read_body(req, action, method))
        result: Result = method(req, **arguments)
        return respond(result.data, result.status)

    def _read_body(self, req: Request, action: str, method: Callable[..., Result]) -> dict[str, Any]:
        takes_body, needs_body = self._body_use(action, method)
        if req.method not in METHODS_WITH_BODY or not takes_body:
            return {}
        body = request_body.read(req)
        if body is None:
            if needs_body:
                raise exception.BadRequest('The request needs a body.')
            return {}
        wanted = self.controller.get_schema(action, body)
        if wanted is not None:
            schema.validate(wanted, body)
        return {'body': body}

    def _body_use(self, action: str, method: Callable[..., Result]) -> tuple[bool, bool]:
        if action not in self._body_uses:
            parameter = inspect.signature(method).parameters.get('body')
            needed = parameter is not None and parameter.default is inspect.Parameter.empty
            self._body_uses[action] = (parameter is not None, needed)
        return self._body_uses[action]


def check_query(req: webob.Request) -> None:
    """Raise ``BadRequest`` unless the query is UTF-8 without NUL."""
    if not req.query_string:
        return
    try:
        values = [*req.GET.keys(), *req.GET.values()]
    except UnicodeDecodeError as error:
        raise exception.BadRequest('The query is not UTF-8.') from error
    if any('\x00' in value for value in values):
        raise exception.BadRequest('The query holds a NUL character.')


def respond(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> webob.Response:
    """Return a JSON response; None as data gives an empty body."""
    text = b'' if data is None else json.dumps(data).encode()
    response = webob.Response(body=text, status=status, content_type=JSON_TYPE, charset='UTF-8')
    # JSON has one encoding and its media type no parameter.
    response.headers['Content-Type'] = JSON_TYPE
    response.headers.update(headers or {})
    return response


# -- routes ------------------------------------------------------------------------------


class Mapper(routes.Mapper):
    """The route table.

    ``file_types`` are the endings that resource routes take behind their path and drop, such as ``.json``.
    """

    def __init__(self, file_types: Iterable[str] = ('json',)) -> None:
        super().__init__(register=False)
        self.minimization = False
        self.explicit = True
        self._suffix = '{.format:' + '|'.join(file_types) + '}'

    def add(self, path: str, resource: Application, actions: Mapping[str, str], takes_suffix: bool = False) -> None:
        """Route a path below ``/{tenant_id}``; ``actions`` maps HTTP methods to method names.

        With ``takes_suffix`` an ending such as ``.json`` is no part of the last id.
        """
        full_path = '/{tenant_id}' + path + (self._suffix if takes_suffix else '')
        for http_method, action in actions.items():
            self.connect(full_path, controller=resource, action=action, conditions={'method': [http_method]})

    def table(self) -> list[tuple[str, str, str]]:
        """Return all routes as ``(HTTP method, path, action)``, in the order in which they are tried."""
        found = []
        for route in self.matchlist:
            path = route.routepath.replace(self._suffix, '')
            for http_method in (route.conditions or {}).get('method', ['GET']):
                found.append((http_method, path, route.defaults['action']))
        return found

    def table_of_actions(self) -> list[tuple[str, str]]:
        """Return ``(path, name)`` of what bodies may name on routes of actions."""
        return [
            (route.routepath.replace(self._suffix, ''), name)
            for route in self.matchlist
            if route.defaults['action'] == 'action' and isinstance(route.defaults['controller'], Resource)
            for name in route.defaults['controller'].action_names()
        ]

    def find(self, environ: dict[str, Any]) -> tuple[Application, dict[str, Any]] | None:
        """Return the resource and its arguments for a request, or None."""
        try:
            path = environ['PATH_INFO'].encode('latin-1').decode('utf-8')
        except UnicodeError:
            return None
        if '\x00' in path or '//' in path:
            return None
        found = self.routematch(path, environ)
        if found is None:
            return None
        arguments = dict(found[0])
        return arguments.pop('controller'), arguments


class Router:
    """Sends a request to the resource that the mapper finds, else to ``otherwise``, else answers 404."""

    def __init__(self, mapper: Mapper, otherwise: Application | None = None) -> None:
        self.mapper = mapper
        self.otherwise = otherwise

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        found = self.mapper.find(environ)
        if found is None:
            if self.otherwise is None:
                raise exception.NotFound()
            return self.otherwise(environ, start_response)
        resource, arguments = found
        environ[ROUTE_KEY] = ((), arguments)
        return resource(environ, start_response)


# -- faults ------------------------------------------------------------------------------


def fault(name: str, code: int, message: str, **extra: Any) -> webob.Response:
    """Return the answer that tells of an error."""
    return respond({name: {'code': code, 'message': message, **extra}}, code)


def fault_of(error: Exception) -> webob.Response:
    """Return the answer for any exception; an unexpected one is logged under the reference that is shown."""
    if isinstance(error, exception.RateLimited):
        response = fault(error.fault_name, error.code, str(error), details=error.limit, retryAfter=error.retry_seconds)
        response.headers['Retry-After'] = str(error.retry_seconds)
        return response
    if isinstance(error, exception.UnsupportedMediaType):
        return raw_fault('415 Unsupported Media Type', str(error))
    if isinstance(error, exception.TroveError):
        if error.code in (500, 503) and not isinstance(error, exception.Overloaded):
            LOG.error('A request failed with %s: %s', type(error).__name__, error)
        return _fault_of_ours(error)
    if isinstance(error, webob.exc.HTTPException):
        return _fault_of_http(error)
    reference = str(uuid.uuid4())
    LOG.exception('A request failed unexpectedly; reference %s', reference)
    return fault('instanceFault', 500, f'An unexpected error occurred; tell the operator the reference {reference}.')


def _fault_of_ours(error: exception.TroveError) -> webob.Response:
    response = fault(error.fault_name, error.code, str(error))
    if isinstance(error, exception.ServiceUnavailable):
        response.headers['Retry-After'] = str(error.retry_seconds)
    return response


def _fault_of_http(error: webob.exc.HTTPException) -> webob.Response:
    response = error.wsgi_response
    name = exception.FAULT_NAMES.get(response.status_int, 'badRequest')
    return fault(name, response.status_int, str(error) or response.status)


def raw_fault(status: str, message: str) -> webob.Response:
    """Return the flat form of an error that the tenant check and the content type check answer with."""
    code, title = status.split(' ', 1)
    return respond({'message': message, 'code': status, 'title': title}, int(code))


class FaultWrapper:
    """Filter: turns whatever is raised below it into a fault."""

    def __init__(self, application: Application) -> None:
        self._application = application

    @classmethod
    def factory(cls, _global_conf: Mapping[str, str], **_local_conf: str) -> Callable[[Application], 'FaultWrapper']:
        """Paste filter factory."""
        return cls

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._application(environ, start_response)
        except Exception as error:
            response = fault_of(error)
        return response(environ, start_response)
