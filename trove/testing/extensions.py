"""The contract of API extensions, as tests.

A vendor's test module subclasses ``ExtensionContract`` and names the plug in ``trove.api.extensions``. Its routes
are then asked through the whole pipeline of the API, as tenants of several roles do.
"""

import dataclasses
import datetime
import inspect
import json
import re
import urllib.parse
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import pytest
import webob
from oslo_config import cfg
from oslo_policy import policy as oslo_policy

from trove.common import api as common_api
from trove.common import extensions, plugs, policy, wsgi
from trove.testing import web

WRITING = ('POST', 'PUT', 'PATCH', 'DELETE')
STRANGE_IDS = ('x', '-1', 'null', '%00', '%ff%fe', 'a' * 3000, "'%20OR%201=1--", web.UNKNOWN)
STRANGE_BODIES = (
    b'',
    b'{',
    b'null',
    b'3',
    b'"text"',
    b'[]',
    b'[{}]',
    b'{"no-such-key": 1}',
    b'\xff\xfe{}',
    b'[' * 9000,
)
STRANGE_VALUES: tuple[Any, ...] = (None, True, -1, 'text', [], [[]], {'no-such-key': 1}, {'': None})
REFUSAL = re.compile(r"Policy doesn't allow (\S+) to be performed")


@dataclasses.dataclass(frozen=True)
class Route:
    """One thing that can be asked of an extension; ``action_name`` is set for an action on somebody's resource."""

    method: str
    path: str
    takes_body: bool = False
    needs_body: bool = False
    action_name: str = ''

    def __str__(self) -> str:
        return f'{self.method} {self.path} {self.action_name}'.strip()


def routes_of(extension: extensions.Extension) -> list[Route]:
    """Return all that an extension adds."""
    found = []
    for path, resource, actions in extension.routes:
        for method, name in actions.items():
            parameter = inspect.signature(getattr(resource.controller, name)).parameters.get('body')
            takes_body = parameter is not None and method in wsgi.METHODS_WITH_BODY
            needs_body = takes_body and parameter is not None and parameter.default is inspect.Parameter.empty
            found.append(Route(method, path, takes_body, needs_body))
    return found + [Route('POST', one.path, True, True, one.action_name) for one in extension.actions]


class Extended:
    """What the parts of the contract start from."""

    name: ClassVar[str]
    """Name of the plug."""
    ids: ClassVar[Mapping[str, str]] = {}
    """What names in paths stand for, such as ``id``; ``instance_id`` and the id of an instance are known."""
    bodies: ClassVar[Mapping[tuple[str, str], Any]] = {}
    """A good body for each route that takes one, by HTTP method and path below the project."""
    values: ClassVar[Mapping[str, Any]] = {}
    """A good value for each action on existing resources, by the action's name."""
    db_plugins: ClassVar[Sequence[str]] = ()
    """Plugins of the database that the extension needs."""
    repositories: ClassVar[Sequence[str]] = ()
    """Paths of the migration repositories that make their tables."""

    @pytest.fixture(scope='class')
    @classmethod
    def api(cls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[web.Api]:
        """The API with all extensions that are installed, and one instance."""
        running = web.Api(tmp_path_factory.mktemp('api'), cls.db_plugins, cls.repositories)
        yield running
        running.stop()

    @pytest.fixture
    def extension(self, api: web.Api) -> extensions.Extension:
        """The extension, loaded once more; making it has a configuration as in the API."""
        made = plugs.load(extensions.GROUP, self.name, extensions.ExtensionDescriptor)
        return extensions.Extension(plugs.find(extensions.GROUP, self.name), made)

    @pytest.fixture
    def routes(self, extension: extensions.Extension) -> list[Route]:
        """All that it adds."""
        return routes_of(extension)

    def path_of(self, route: Route, **ids: str) -> str:
        """Return the path of a route with names replaced by ids; an id that nobody gave belongs to nothing."""
        known = {'instance_id': web.INSTANCE, **self.ids}
        if route.path.startswith(('/instances/{id}', '/mgmt/instances/{id}')):
            known['id'] = web.INSTANCE
        known.update(ids)
        return re.sub(r'\{(\w+)\}', lambda match: known.get(match.group(1), web.UNKNOWN), route.path)

    def body_of(self, route: Route) -> Any:
        """Return a good body, or None where there is none."""
        if route.action_name:
            return {route.action_name: self.values.get(route.action_name, {})}
        return self.bodies.get((route.method, route.path))

    def ask(self, api: web.Api, route: Route, user: str | None, project: str | None = None) -> webob.Response:
        """Ask a route for something good."""
        return api.ask(route.method, self.path_of(route), user, self.body_of(route), project)


class DescribingContract(Extended):
    """What it tells of itself, and what it takes for itself."""

    def test_its_fields_are_well_formed(self, extension: extensions.Extension) -> None:
        view = extension.view
        assert all(
            isinstance(view[key], str) and view[key].strip() == view[key] != '' for key in view if key != 'links'
        )
        assert re.fullmatch(r'[A-Za-z0-9][A-Za-z0-9._-]*', view['alias']), 'it is a part of a path'
        namespace = urllib.parse.urlsplit(view['namespace'])
        assert namespace.scheme in ('http', 'https')
        assert namespace.netloc
        assert datetime.datetime.fromisoformat(view['updated']).tzinfo is not None, 'the time of no zone is none'
        assert json.loads(json.dumps(view)) == view

    def test_it_adds_something(self, extension: extensions.Extension, routes: list[Route]) -> None:
        assert routes or extension.requests, 'a controller without the methods of its routes adds none'

    def test_its_claims_collide_with_nothing(self, extension: extensions.Extension) -> None:
        rooms = wsgi.Router(common_api.make_mapper(cfg.CONF))
        # It raises when two of all that is installed claim the same.
        extensions.make_application(extensions.load(), rooms, cfg.CONF.expected_filetype_suffixes)
        claims = extension.claims()
        twice = [one for one, count in Counter([*claims.routes, *claims.actions]).items() if count > 1]
        assert twice == []

    def test_tenants_find_it_in_the_list(self, api: web.Api, extension: extensions.Extension) -> None:
        alias = extension.view['alias']
        assert api.ask('GET', f'/extensions/{alias}', 'reader').json == {'extension': extension.view}

    def test_its_rules_are_new_and_described(self, extension: extensions.Extension) -> None:
        ours = {rule.name for rule in policy.list_rules()}
        for rule in extension.rules:
            assert isinstance(rule, oslo_policy.DocumentedRuleDefault), f'{rule.name} names no operation'
            assert rule.operations, rule.name
            assert (rule.description or '').strip(), rule.name
            assert rule.name not in ours


class AccessContract(Extended):
    """Who may ask what."""

    def test_nothing_is_answered_without_credentials(self, api: web.Api, routes: list[Route]) -> None:
        wrong = {str(route): status for route in routes if (status := self.ask(api, route, None).status_int) != 401}
        assert wrong == {}

    def test_the_path_of_another_project_is_closed(self, api: web.Api, routes: list[Route]) -> None:
        for user in ('member', 'reader'):
            answers = {str(route): self.ask(api, route, user, web.OTHER_PROJECT).status_int for route in routes}
            assert {route: status for route, status in answers.items() if status != 403} == {}

    def test_instances_of_others_are_not_reached(self, api: web.Api, routes: list[Route]) -> None:
        wrong = {}
        for route in routes:
            if not re.match(r'/instances/\{(instance_)?id\}', route.path):
                continue
            path = self.path_of(route, id=web.FOREIGN_INSTANCE, instance_id=web.FOREIGN_INSTANCE)
            answer = api.ask(route.method, path, 'member', self.body_of(route))
            if answer.status_int not in (401, 403, 404):
                wrong[str(route)] = answer.status
        assert wrong == {}

    def test_a_reader_cannot_write(self, api: web.Api, routes: list[Route]) -> None:
        wrong = {}
        for route in filter(lambda route: route.method in WRITING, routes):
            answer = self.ask(api, route, 'reader')
            # What belongs to nothing may be missed before the policy is asked.
            allowed = (401, 403, 404) if web.UNKNOWN in self.path_of(route) else (401, 403)
            if answer.status_int not in allowed:
                wrong[str(route)] = answer.status
        assert wrong == {}

    def test_only_declared_rules_are_asked(
        self, api: web.Api, extension: extensions.Extension, routes: list[Route]
    ) -> None:
        declared = {rule.name for rule in [*extension.rules, *policy.list_rules()]}
        asked = set()
        for route in routes:
            for user in web.USERS:
                asked |= set(REFUSAL.findall(self.ask(api, route, user).text))
        assert asked - declared == set(), 'what no rule allows is refused to everybody'

    def test_an_administrator_is_refused_nothing(self, api: web.Api, routes: list[Route]) -> None:
        answers = {str(route): self.ask(api, route, 'admin').status_int for route in routes}
        assert {route: status for route, status in answers.items() if status in (401, 403)} == {}


class AnsweringContract(Extended):
    """What strange requests get."""

    def test_a_good_body_is_known_for_each_route(self, routes: list[Route]) -> None:
        """Else it would show nothing that a reader is refused."""
        needed = {(route.method, route.path) for route in routes if route.needs_body and not route.action_name}
        assert needed - set(self.bodies) == set()

    def test_good_bodies_are_good(self, api: web.Api, routes: list[Route]) -> None:
        answers = {str(route): self.ask(api, route, 'admin') for route in routes if route.takes_body}
        assert {route: answer.text for route, answer in answers.items() if answer.status_int in (400, 415)} == {}

    def test_strange_bodies_are_refused(self, api: web.Api, routes: list[Route]) -> None:
        wrong = []
        for route in filter(lambda route: route.takes_body and not route.action_name, routes):
            for user, body in ((user, body) for user in ('member', 'admin') for body in STRANGE_BODIES):
                status = api.ask(route.method, self.path_of(route), user, body).status_int
                is_fine = 400 <= status < 500 or (body == b'' and not route.needs_body and status < 500)
                wrong += [] if is_fine else [(str(route), body[:40], status)]
        assert wrong == []

    def test_strange_values_of_actions_are_no_accident(self, api: web.Api, routes: list[Route]) -> None:
        wrong = []
        for route in filter(lambda route: route.action_name, routes):
            for value in STRANGE_VALUES:
                answer = api.ask('POST', self.path_of(route), 'member', {route.action_name: value})
                wrong += [(str(route), value, answer.status)] if answer.status_int == 500 else []
        assert wrong == []

    def test_strange_ids_are_no_accident(self, api: web.Api, routes: list[Route]) -> None:
        wrong = []
        for route in routes:
            for name, strange in ((name, one) for name in re.findall(r'\{(\w+)\}', route.path) for one in STRANGE_IDS):
                path = self.path_of(route, **{name: strange})
                answer = api.ask(route.method, path, 'admin', self.body_of(route))
                wrong += [(str(route), strange[:40], answer.status)] if answer.status_int == 500 else []
        assert wrong == []


class ExtensionContract(DescribingContract, AccessContract, AnsweringContract):
    """Held against one extension; the subclass names it."""
