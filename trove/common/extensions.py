"""The socket for API extensions: new resources, and actions on those that exist.

Every installed plug of the group ``trove.api.extensions`` is a subclass of
``ExtensionDescriptor`` and is loaded when the API starts, and so are those in the files
of the folder that the option ``api_extensions_path`` names.
"""

import abc
import dataclasses
import functools
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import webob
from oslo_config import cfg
from oslo_log import log as logging
from oslo_policy import policy as oslo_policy

from trove.common import body as request_body
from trove.common import cfg as trove_cfg
from trove.common import exception, extension_claims, plugs, policy, wsgi
from trove.common import schema as common_schema

LOG = logging.getLogger(__name__)

GROUP = 'trove.api.extensions'
PATH_OPTION = 'api_extensions_path'
OPTS = [
    cfg.StrOpt(
        PATH_OPTION,
        default='',
        deprecated_for_removal=True,
        deprecated_reason="An extension is a package with an entry point in 'trove.api.extensions'.",
        help='Folder of Python files, each with a subclass of trove.common.extensions.ExtensionDescriptor, which the '
        'API loads beside the installed extensions. Empty: none.',
    ),
]

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


ActionHandler = Callable[[Any, wsgi.Request, str], wsgi.Result]


@dataclasses.dataclass(frozen=True)
class ActionExtension:
    """A new action on an existing resource: ``POST /{collection}/{id}/action`` with ``{action_name: ...}``.

    The handler takes ``(body, req, id)`` and returns a ``wsgi.Result``. ``schema`` is that of the
    action's value; the body is checked before the handler is called.
    """

    collection: str
    action_name: str
    handler: ActionHandler
    schema: common_schema.Schema | None = None

    @property
    def path(self) -> str:
        """Path below the project."""
        return '/' + self.collection.strip('/').removeprefix('{tenant_id}/') + '/{id}/action'


@dataclasses.dataclass(frozen=True)
class RequestExtension:
    """Something more for requests that others answer, such as one more key of an instance.

    ``path`` is that of the route below the project. The handler takes ``(req, response)`` when the
    response is made, whatever its status, and returns it or another one.
    """

    method: str
    path: str
    handler: Callable[[wsgi.Request, webob.Response], webob.Response]


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

    def get_request_extensions(self) -> list[RequestExtension]:
        """Return what is done to the answers of existing resources."""
        return []

    def list_rules(self) -> list[oslo_policy.RuleDefault]:
        """Return the policy rules of the new resources and actions."""
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


Route = tuple[str, wsgi.Resource, dict[str, str]]


class Extension:
    """A descriptor that was loaded, and the plug that it came from; what its code raises names the plug."""

    def __init__(self, plug: plugs.Plug, make: Callable[[], ExtensionDescriptor]) -> None:
        self.plug = plug
        with plugs.blamed(plug, 'cannot be made'):
            self.descriptor = make()

    @functools.cached_property
    def view(self) -> dict[str, Any]:
        """What ``GET /extensions`` shows."""
        with plugs.blamed(self.plug, 'cannot tell of itself'):
            return self.descriptor.view()

    @functools.cached_property
    def routes(self) -> list[Route]:
        """``(path, resource, {HTTP method: method name})`` of all resources; they are made by this."""
        with plugs.blamed(self.plug, 'cannot make its resources'):
            made = [(one, one.resource()) for one in self.descriptor.get_resources()]
            return [(path, resource, actions) for one, resource in made for path, actions in one.routes()]

    @functools.cached_property
    def actions(self) -> list[ActionExtension]:
        """New actions of resources."""
        with plugs.blamed(self.plug, 'cannot make its actions'):
            return list(self.descriptor.get_actions())

    @functools.cached_property
    def requests(self) -> list[RequestExtension]:
        """What is done to answers of resources."""
        with plugs.blamed(self.plug, 'cannot make its request extensions'):
            return list(self.descriptor.get_request_extensions())

    @functools.cached_property
    def rules(self) -> list[oslo_policy.RuleDefault]:
        """Its policy rules."""
        with plugs.blamed(self.plug, 'cannot list its policy rules'):
            return list(self.descriptor.list_rules())

    def claims(self) -> extension_claims.Claims:
        """Return what it wants to have for itself."""
        routes = [(method, f'/{{tenant_id}}{path}') for path, _resource, actions in self.routes for method in actions]
        actions = [(f'/{{tenant_id}}{one.path}', one.action_name) for one in self.actions]
        own = [
            (f'/{{tenant_id}}{path}', name)
            for path, resource, methods in self.routes
            if 'action' in methods.values()
            for name in resource.action_names()
        ]
        return extension_claims.Claims(self.plug, self.view['alias'], routes, [*actions, *own])


class ExtensionsController(wsgi.Controller):
    """Tells which extensions are loaded."""

    def __init__(self, extensions: Iterable[Extension]) -> None:
        self._views = {extension.view['alias']: extension.view for extension in extensions}

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

    def __init__(self, actions: Iterable[ActionExtension], application: wsgi.Application) -> None:
        self._actions = {action.action_name: action for action in actions}
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        req = wsgi.Request(environ)
        body = request_body.peek(req)
        name = next(iter(body)) if isinstance(body, dict) and len(body) == 1 else None
        action = self._actions.get(str(name))
        if action is None:
            return self._application(environ, start_response)
        wsgi.check_query(req)
        if action.schema is not None:
            common_schema.validate(common_schema.root(action.action_name, action.schema), body)
        result = action.handler(body, req, environ[wsgi.ROUTE_KEY][1]['id'])
        return wsgi.respond(result.data, result.status)(environ, start_response)


class RequestsController:
    """Lets the application answer and hands the answer through what extensions do to it."""

    def __init__(self, requests: Iterable[RequestExtension], application: wsgi.Application) -> None:
        self._requests = list(requests)
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: wsgi.StartResponse) -> Iterable[bytes]:
        req = wsgi.Request(environ)
        response = req.get_response(self._application)
        for request in self._requests:
            response = request.handler(req, response)
        return response(environ, start_response)


# -- loading -----------------------------------------------------------------------------


def load(folder: str = '') -> list[Extension]:
    """Return all installed extensions and those in the files of a folder; ``PlugError`` when one cannot be used."""
    found = [
        Extension(plugs.find(GROUP, name), made) for name, made in plugs.load_all(GROUP, ExtensionDescriptor).items()
    ]
    return [*found, *_load_folder(folder)] if folder else found


def _load_folder(folder: str) -> list[Extension]:
    if not pathlib.Path(folder).is_dir():
        raise exception.ConfigurationError(reason=f'{PATH_OPTION} {folder} is no folder')
    found = []
    for path in sorted(pathlib.Path(folder).glob('[!_]*.py')):
        LOG.warning('An extension was read from %s; this ends with a later release, install it as a package', path)
        plug = plugs.Plug(PATH_OPTION, path.stem, str(path))
        module = plugs.load_file(plug, path)
        classes = [one for one in vars(module).values() if _is_descriptor_of(one, module.__name__)]
        if not classes:
            plugs.refuse(plug, 'has no subclass of trove.common.extensions.ExtensionDescriptor')
        found += [Extension(plug, plugs.checked(plug, one, ExtensionDescriptor)) for one in classes]
    return found


def _is_descriptor_of(candidate: Any, module: str) -> bool:
    is_descriptor = isinstance(candidate, type) and issubclass(candidate, ExtensionDescriptor)
    return is_descriptor and candidate.__module__ == module


# -- routing -----------------------------------------------------------------------------


def make_mapper(extensions: Iterable[Extension], file_types: Iterable[str]) -> wsgi.Mapper:
    """Return the route table of the extensions' resources."""
    mapper = wsgi.Mapper(file_types)
    known = list(extensions)
    listing = wsgi.Resource(ExtensionsController(known))
    mapper.add('/extensions', listing, {'GET': 'index'}, takes_suffix=True)
    mapper.add('/extensions/{id}', listing, {'GET': 'show'}, takes_suffix=True)
    for extension in known:
        for path, resource, actions in extension.routes:
            mapper.add(path, resource, actions, takes_suffix=True)
    return mapper


def make_application(
    extensions: Iterable[Extension], application: wsgi.Application, file_types: Iterable[str]
) -> wsgi.Application:
    """Return the extensions in front of an application, which takes what they leave.

    Raises ``PlugError`` when two of them, or one of them and the application, claim the same.
    """
    known, endings = list(extensions), list(file_types)
    mapper = make_mapper(known, endings)
    listing = [(method, path) for method, path, _action in mapper.table()[:2]]
    extension_claims.check([one.claims() for one in known], extension_claims.claims_of_rooms(application, listing))
    made: wsgi.Application = wsgi.Router(mapper, otherwise=application)
    actions: dict[str, list[ActionExtension]] = {}
    requests: dict[tuple[str, str], list[RequestExtension]] = {}
    for one in known:
        for action in one.actions:
            actions.setdefault(action.path, []).append(action)
        for request in one.requests:
            path = '/' + request.path.strip('/').removeprefix('{tenant_id}/')
            requests.setdefault((request.method, path), []).append(request)
    if actions:
        acting = wsgi.Mapper(endings)
        for path, named in actions.items():
            acting.add(path, ActionsController(named, made), {'POST': 'action'})
        made = wsgi.Router(acting, otherwise=made)
    if requests:
        following = wsgi.Mapper(endings)
        for (method, path), handlers in requests.items():
            following.add(path, RequestsController(handlers, made), {method: 'follow'}, takes_suffix=True)
        made = wsgi.Router(following, otherwise=made)
    return made


def filter_factory(
    _global_conf: Mapping[str, str], **_local_conf: str
) -> Callable[[wsgi.Application], wsgi.Application]:
    """Paste filter factory: the extensions in front of the application."""

    def wrap(application: wsgi.Application) -> wsgi.Application:
        conf = cfg.CONF
        trove_cfg.register(conf, OPTS)
        extensions = load(conf[PATH_OPTION])
        for extension in extensions:
            strange = policy.register(extension.rules)
            if strange:
                plugs.refuse(extension.plug, f'changes policy rules of others: {", ".join(strange)}')
        return make_application(extensions, application, conf.expected_filetype_suffixes)

    return wrap
