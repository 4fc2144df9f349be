"""An extension of a vendor behind the whole pipeline: what it has of ours without doing anything for it."""

import json

import pytest
import webtest
from paste import deploy

from tests.fixtures import api as api_fixture
from trove.common import extensions

PROJECT, OTHER = api_fixture.PROJECT, api_fixture.OTHER_PROJECT

SOURCE = """
from trove.common import exception, extensions, pagination, policy, wsgi

THING = {
    'type': 'object',
    'required': ['thing'],
    'properties': {'thing': {'type': 'object', 'required': ['size'], 'properties': {'size': {'type': 'integer'}}}},
}


class Things(wsgi.Controller):
    schemas = {'create': THING}

    def index(self, req, tenant_id):
        policy.authorize(req.context, 'acme:index')
        page = pagination.read(req, 2)
        start = page.offset()
        items = list(range(5))[start : start + page.limit]
        after = start + page.limit
        return wsgi.Result(pagination.paged(req, 'things', items, page, str(after) if after < 5 else None))

    def create(self, req, body, tenant_id):
        policy.authorize(req.context, 'acme:create')
        return wsgi.Result({'thing': body['thing'], 'project': req.context.project_id, 'user': req.context.user_id})

    def show(self, req, tenant_id, id):
        if id == 'gone':
            raise exception.NotFound()
        raise RuntimeError('canary of the inside')

    def delete(self, req, tenant_id, id):
        policy.authorize(req.context, 'acme:delete')
        return wsgi.Result(None, 202)


class Acme(extensions.ExtensionDescriptor):
    def get_name(self):
        return 'Acme Things'

    def get_description(self):
        return 'Things.'

    def get_namespace(self):
        return 'https://acme.example.org'

    def get_updated(self):
        return '2026-01-01T00:00:00Z'

    def get_resources(self):
        return [extensions.ResourceExtension('acme-things', Things())]

    def get_actions(self):
        return [
            extensions.ActionExtension('instances', 'polish', self.polish, schema={'required': ['wax']}),
            extensions.ActionExtension('instances', 'burn', self.burn),
        ]

    def get_request_extensions(self):
        return [extensions.RequestExtension('GET', '/instances/{id}', self.add)]

    def add(self, req, response):
        if response.status_int == 200:
            response.json = {'instance': {**response.json['instance'], 'acme': req.context.user_id}}
        return response

    def polish(self, body, req, id):
        policy.authorize(req.context, 'acme:polish')
        return wsgi.Result({'polished': id}, 202)

    def burn(self, body, req, id):
        raise RuntimeError('canary of the inside')

    def list_rules(self):
        path = '/v1.0/{project_id}/acme-things'
        return [
            policy.rule('acme:index', policy.ADMIN_OR_OWNER, 'List.', ('GET', path)),
            policy.rule('acme:create', policy.ADMIN_OR_WRITER, 'Make.', ('POST', path)),
            policy.rule('acme:delete', policy.ADMIN, 'Delete.', ('DELETE', path + '/{id}')),
            policy.rule('acme:polish', policy.ADMIN_OR_WRITER, 'Polish.', ('POST', '/v1.0/{project_id}/instances')),
        ]
"""


@pytest.fixture(scope='module')
def extended(running_api, tmp_path_factory):
    """The application with the vendor's extension, from a folder of files."""
    folder = tmp_path_factory.mktemp('extensions')
    (folder / 'acme.py').write_text(SOURCE)
    running_api.conf.set_override(extensions.PATH_OPTION, str(folder))
    yield deploy.loadapp(f'config:{api_fixture.PASTE_FILE}', name='trove')
    running_api.conf.clear_override(extensions.PATH_OPTION)
    # Policies are those of the process.
    deploy.loadapp(f'config:{api_fixture.PASTE_FILE}', name='trove')


@pytest.fixture
def ask(extended, api):
    """Sends a request below a project, by default the user's own; returns the response."""

    def ask(method, path, user='demo', body=None, project=PROJECT):
        headers = {'Host': 'localhost:8779', **(api_fixture.authorization(user) if user else {})}
        data = b''
        if body is not None:
            headers['Content-Type'] = 'application/json'
            data = json.dumps(body).encode()
        request = webtest.TestRequest.blank(f'/v1.0/{project}{path}', method=method, headers=headers, body=data)
        return webtest.TestApp(extended, lint=False).do_request(request, expect_errors=True)

    return ask


def test_it_is_listed(ask):
    assert ask('GET', '/extensions/acme-things').json['extension']['name'] == 'Acme Things'


def test_authentication_and_tenant_check(ask):
    assert ask('GET', '/acme-things', user=None).status_int == 401
    assert ask('GET', '/acme-things', project=OTHER).status_int == 403
    assert (
        ask('POST', f'/instances/{api_fixture.IDS["instance"]}/action', body={'polish': {}}, user=None).status_int
        == 401
    )


def test_pages(ask):
    first = ask('GET', '/acme-things').json
    assert first['things'] == [0, 1]
    (link,) = first['links']
    assert link['href'].startswith(f'http://localhost:8779/v1.0/{PROJECT}/acme-things?')
    assert ask('GET', '/acme-things?limit=2&marker=4').json == {'things': [4]}
    assert ask('GET', '/acme-things?limit=none').status_int == 400


def test_context_schema_and_body(ask):
    made = ask('POST', '/acme-things', body={'thing': {'size': 1}})
    assert made.json == {'thing': {'size': 1}, 'project': PROJECT, 'user': 'demo-id'}
    for body in ({'thing': {}}, {'thing': {'size': 'one'}}, {}, []):
        refused = ask('POST', '/acme-things', body=body)
        assert (refused.status_int, list(refused.json)) == (400, ['badRequest'])


def test_policy(ask):
    refused = ask('POST', '/acme-things', user='reader', body={'thing': {'size': 1}})
    assert (refused.status_int, refused.json['forbidden']['message']) == (
        403,
        "Policy doesn't allow acme:create to be performed.",
    )
    assert ask('GET', '/acme-things', user='reader').status_int == 200
    assert ask('DELETE', '/acme-things/1').status_int == 403
    assert ask('DELETE', '/acme-things/1', user='admin', project=api_fixture.ADMIN_PROJECT).status_int == 202


def test_faults(ask):
    assert ask('GET', '/acme-things/gone').json['itemNotFound']['code'] == 404
    for found in (
        ask('GET', '/acme-things/7'),
        ask('POST', f'/instances/{api_fixture.IDS["instance"]}/action', body={'burn': {}}),
    ):
        assert (found.status_int, list(found.json)) == (500, ['instanceFault'])
        assert 'canary' not in found.text


def test_actions(ask):
    path = f'/instances/{api_fixture.IDS["instance"]}/action'
    assert ask('POST', path, body={'polish': {'wax': 1}}).json == {'polished': api_fixture.IDS['instance']}
    assert ask('POST', path, body={'polish': {}}).status_int == 400
    assert ask('POST', path, body={'polish': {'wax': 1}}, user='reader').status_int == 403
    assert ask('POST', path, body={'nothing': {}}).status_int == 400


def test_answers_of_our_own_resources_are_extended(ask):
    path = f'/instances/{api_fixture.IDS["instance"]}'
    assert ask('GET', path).json['instance']['acme'] == 'demo-id'
    assert ask('GET', f'/instances/{api_fixture.IDS["foreign"]}').status_int == 404


def test_without_it_all_is_as_before(api):
    assert api.request('GET', f'/v1.0/{PROJECT}/acme-things').status_int == 404
