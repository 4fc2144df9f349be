"""The socket for API extensions: new resources, and actions on those that exist.

Every installed plug of the group ``trove.api.extensions`` is a subclass of
``ExtensionDescriptor`` and is loaded when the API starts.
"""

import abc
import dataclasses
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from oslo_config import cfg
from oslo_policy import policy as oslo_policy

from trove.common import body as request_body
from trove.common import exception, plugs, policy, wsgi

GROUP = 'trove.api.extensions'

Actions = Mapping[str, Mapping[str, str]]
"""Routes of a resource: ending of the path to HTTP method to method name."""

STANDARD_ACTIONS: Actions = {
    '': {'GET': 'index', 'POST': 'create'},
    '/{id}': {'GET': 'show', 'PUT': 'update', 'PATCH': 'edit', 'DELETE': 'delete'},
}


@dataclasses.dataclass(frozen=True)
class ResourceExtension:
    """A new resource.

    ``parent`` is ``{"member_name", "collection_name"}`` of the resource it stands below.
    ``collection_actions`` and ``member_actions`` map further method names to HTTP methods;
    ``actions`` replaces the standard routes. Methods that the controller lacks are not routed.
    """

    collection: str
    controller: Any
    parent: Mapping[str, str] | None = None
    path_prefix: str = ''
    collection_actions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    member_actions: Mapping[str, str] = dataclasses.field(default_factory=dict)
    actions: Actions = dataclasses.field(default_factory=lambda: STANDARD_ACTIONS)

    @property
    def path(self) -> str:
        """Path of the collection below the project."""
        parts = [self.path_prefix]
        if self.parent:
            parts += [self.parent['collection_name'], '{' + self.parent['member_name'] + '_id}']
        parts.append(self.collection)
        path = '/'.join(part.strip('/') for part in parts if part.strip('/'))
        # Older extensions write the project into the path themselves.
        return '/' + path.removeprefix('{tenant_id}/')

    def routes(self) -> list[tuple[str, dict[str, str]]]:
        """Return ``(path, {HTTP method: method name})``, fixed paths before those with an id at their end."""
        found = [(f'/{name}', {method: name}) for name, method in self.collection_actions.items()]
        found += [(ending, dict(methods)) for ending, methods in self.actions.items()]
        found += [(f'/{{id}}/{name}', {method: name}) for name, method in self.member_actions.items()]
        controller = self.controller.controller if isinstance(self.controller, wsgi.Resource) else self.controller
        return [
            (self.path + ending, {method: name for method, name in methods.items() if hasattr(controller, name)})
            for ending, methods in found
        ]

    def resource(self) -> wsgi.Resource:
        """Return the WSGI application of the controller."""
        return self.controller if isinstance(self.controller, wsgi.Resource) else wsgi.Resource(self.controller)


@dataclasses.dataclass(frozen=True)
class ActionExtension:
    """A new action on an existing resource: ``POST /{collection}/{id}/action`` with ``{action_name: ...}``.

    The handler takes ``(body, req, id)`` and returns a ``wsgi.Result``.
    """

    collection: str
    action_name: str
    handler: Callable[[Any, wsgi.Request, str], wsgi.Result]


class ExtensionDescriptor(abc.ABC):
    """What an extension tells of itself and brings along."""

    @abc.abstractmethod
    def get_name(self) -> str:
        """Return the name for people."""

    @abc.abstractmethod
    def get_description(self) -> str:
        """Return what the extension is for."""

    @abc.abstractmethod
    def get_namespace(self) -> str:
        """Return a URL that names the extension for machines."""

    @abc.abstractmethod
    def get_updated(self) -> str:
        """Return when the extension changed last, as ISO 8601."""

    def get_alias(self) -> str:
        """Return the name in paths."""
        return self.get_name().lower().replace(' ', '-')

    def get_resources(self) -> list[ResourceExtension]:
        """Return the new resources."""
        return []

    def get_actions(self) -> list[ActionExtension]:
        """Return the new actions."""
        return []

    def list_rules(self) -> list[oslo_policy.RuleDefault]:
        """Return the policy rules of the new resources."""
        return []

    def view(self) -> dict[str, Any]:
        """Return what ``GET /extensions`` shows."""
        return {
            'name': self.get_name(),
            'alias': self.get_alias(),
            'description': self.get_description(),
            'namespace': self.get_namespace(),
            'updated': self.get_updated(),
            'links': [],
        }


class ExtensionsController(wsgi.Controller):
    """Tells which extensions are loaded."""

    def __init__(self, descriptors: Iterable[ExtensionDescriptor]) -> None:
        self._views = {descriptor.get_alias(): descriptor.view() for descriptor in descriptors}

    def index(self, req: wsgi.Request, tenant_id: str) -> wsgi.Result:
        """List all extensions."""
        return wsgi.Result({'extensions': [self._views[alias] for alias in sorted(self._views)]})

    def show(self, req: wsgi.Request, tenant_id: str, id: str) -> wsgi.Result:
        """Show one extension by its alias."""
        if id not in self._views:
            raise exception.NotFound()
        return wsgi.Result({'extension': self._views[id]})


class ActionsController:
    """Takes the actions that extensions added and hands all others on to the application."""

    def __init__(
        self, handlers: Mapping[str, Callable[[Any, wsgi.Request, str], wsgi.Result]], application: wsgi.Application
    ) -> None:
        self._handlers = handlers
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        req = wsgi.Request(environ)
        body = request_body.peek(req)
        name = next(iter(body), None) if isinstance(body, dict) else None
        handler = self._handlers.get(str(name))
        if handler is None:
            return self._application(environ, start_response)
        result = handler(body, req, environ[wsgi.ROUTE_KEY][1]['id'])
        return wsgi.respond(result.data, result.status)(environ, start_response)


def load() -> list[ExtensionDescriptor]:
    """Return all installed extensions; ``PlugError`` when one of them cannot be used."""
    return [cls() for cls in plugs.load_all(GROUP, base=ExtensionDescriptor).values()]


def make_mapper(
    descriptors: Iterable[ExtensionDescriptor], application: wsgi.Application, file_types: Iterable[str]
) -> wsgi.Mapper:
    """Return the route table of the extensions; ``application`` takes what they leave."""
    mapper = wsgi.Mapper(file_types)
    known = list(descriptors)
    listing = wsgi.Resource(ExtensionsController(known))
    mapper.add('/extensions', listing, {'GET': 'index'}, takes_suffix=True)
    mapper.add('/extensions/{id}', listing, {'GET': 'show'}, takes_suffix=True)
    handlers: dict[str, dict[str, Any]] = {}
    for descriptor in known:
        for extension in descriptor.get_resources():
            resource = extension.resource()
            for path, actions in extension.routes():
                mapper.add(path, resource, actions, takes_suffix=True)
        for action in descriptor.get_actions():
            handlers.setdefault(action.collection, {})[action.action_name] = action.handler
    for collection, by_name in handlers.items():
        path = '/' + collection.strip('/').removeprefix('{tenant_id}/') + '/{id}/action'
        mapper.add(path, ActionsController(by_name, application), {'POST': 'action'})
    return mapper


def filter_factory(
    _global_conf: Mapping[str, str], **_local_conf: str
) -> Callable[[wsgi.Application], wsgi.Application]:
    """Paste filter factory: the extensions in front of the application."""

    def wrap(application: wsgi.Application) -> wsgi.Application:
        descriptors = load()
        for descriptor in descriptors:
            policy.register(descriptor.list_rules())
        mapper = make_mapper(descriptors, application, cfg.CONF.expected_filetype_suffixes)
        return wsgi.Router(mapper, otherwise=application)

    return wrap
