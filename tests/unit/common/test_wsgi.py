import json
import logging

import pytest
import webob.exc

from trove.common import context, exception, schema, wsgi

CALLER = context.TroveContext(user_id='u', project_id='p')


class Things(wsgi.Controller):
    schemas = {'create': schema.root('thing', schema.STRING255)}

    def index(self, req, tenant_id):
        return wsgi.Result({'things': [], 'tenant': tenant_id})

    def show(self, req, tenant_id, id):
        raise exception.InstanceNotFound(id=id)

    def create(self, req, body, tenant_id):
        return wsgi.Result(body, 201)

    def touch(self, req, tenant_id, id, body=None):
        return wsgi.Result({'body': body})

    def delete(self, req, tenant_id, id):
        return wsgi.Result(None, 202)

    def fail(self, req, tenant_id):
        raise RuntimeError('canary')


@pytest.fixture
def mapper():
    made = wsgi.Mapper()
    resource = Things().create_resource()
    made.add('/things', resource, {'GET': 'index', 'POST': 'create'}, takes_suffix=True)
    made.add('/things/fail', resource, {'GET': 'fail', 'PUT': 'missing'})
    made.add('/things/{id}', resource, {'GET': 'show', 'PUT': 'touch', 'DELETE': 'delete'}, takes_suffix=True)
    return made


@pytest.fixture
def application(mapper):
    return wsgi.FaultWrapper(wsgi.Router(mapper))


def send(application, method, path, json_body=None, **kwargs):
    if json_body is not None:
        kwargs.update(body=json.dumps(json_body).encode(), content_type='application/json')
    request = wsgi.Request.blank(path, method=method, **kwargs)
    request.environ[wsgi.CONTEXT_KEY] = CALLER
    return request.get_response(application)


# -- resources ---------------------------------------------------------------------------


def test_answers_are_json(application):
    response = send(application, 'GET', '/p/things')
    assert response.json == {'things': [], 'tenant': 'p'}
    assert response.headers['Content-Type'] == 'application/json'


def test_an_empty_answer_is_json_too(application):
    response = send(application, 'DELETE', '/p/things/1')
    assert (response.status_int, response.body) == (202, b'')
    assert response.headers['Content-Type'] == 'application/json'


def test_a_body_is_checked_and_handed_on(application):
    good = send(application, 'POST', '/p/things', json_body={'thing': 'a'})
    assert (good.status_int, good.json) == (201, {'thing': 'a'})
    bad = send(application, 'POST', '/p/things', json_body={'thing': 3})
    assert bad.json == {'badRequest': {'code': 400, 'message': "Validation error: instance['thing'] must be string."}}


def test_a_needed_body_must_be_there(application):
    assert send(application, 'POST', '/p/things').status_int == 400


def test_a_body_may_be_optional(application):
    assert send(application, 'PUT', '/p/things/1').json == {'body': None}
    assert send(application, 'PUT', '/p/things/1', json_body=[1]).json == {'body': [1]}


def test_a_method_that_the_controller_lacks_is_not_there(application):
    assert send(application, 'PUT', '/p/things/fail').status_int == 404


@pytest.mark.parametrize('query', ['a=%ff', 'a=%00', '%00=a'])
def test_strange_queries_are_refused(application, query):
    assert send(application, 'GET', f'/p/things?{query}').status_int == 400


# -- faults ------------------------------------------------------------------------------


def test_errors_become_faults(application):
    response = send(application, 'GET', '/p/things/1')
    assert response.status_int == 404
    assert response.json == {'itemNotFound': {'code': 404, 'message': 'Instance 1 could not be found.'}}


def test_the_unexpected_is_told_by_a_reference_only(application, caplog):
    with caplog.at_level(logging.ERROR):
        response = send(application, 'GET', '/p/things/fail')
    assert response.status_int == 500
    message = response.json['instanceFault']['message']
    assert 'canary' not in message
    assert message.removesuffix('.').split()[-1] in caplog.text
    assert 'RuntimeError: canary' in caplog.text


def test_server_errors_are_logged(caplog):
    with caplog.at_level(logging.ERROR):
        response = wsgi.fault_of(exception.ServerError('broken'))
    assert response.json == {'serverError': {'code': 500, 'message': 'broken'}}
    assert 'broken' in caplog.text


def test_errors_of_webob_become_faults():
    response = wsgi.fault_of(webob.exc.HTTPConflict('taken'))
    assert response.json == {'conflict': {'code': 409, 'message': 'taken'}}


def test_the_content_type_has_a_flat_fault():
    response = wsgi.fault_of(exception.UnsupportedMediaType(content_type='text/plain'))
    assert response.status_int == 415
    assert response.json['title'] == 'Unsupported Media Type'


# -- routes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('method', 'path'),
    [
        ('GET', '/p/nothing'),
        ('PATCH', '/p/things'),
        ('BREW', '/p/things'),
        ('GET', '/p//things'),
        ('GET', '/p/things/%00'),
        ('GET', '/p/things/%ff'),
        ('GET', '/'),
        ('GET', '/p/things/1/2'),
    ],
)
def test_what_is_not_routed_is_not_there(application, method, path):
    response = send(application, method, path)
    assert response.status_int == 404
    assert list(response.json) == ['itemNotFound']


def test_an_ending_is_no_part_of_an_id(mapper):
    def found(path):
        return mapper.find({'PATH_INFO': path, 'REQUEST_METHOD': 'GET'})[1]

    assert found('/p/things/u.json')['id'] == 'u'
    assert found('/p/things/u.1')['id'] == 'u.1'
    assert found('/p/things.json')['action'] == 'index'


def test_the_table_can_be_enumerated(mapper):
    assert mapper.table() == [
        ('GET', '/{tenant_id}/things', 'index'),
        ('POST', '/{tenant_id}/things', 'create'),
        ('GET', '/{tenant_id}/things/fail', 'fail'),
        ('PUT', '/{tenant_id}/things/fail', 'missing'),
        ('GET', '/{tenant_id}/things/{id}', 'show'),
        ('PUT', '/{tenant_id}/things/{id}', 'touch'),
        ('DELETE', '/{tenant_id}/things/{id}', 'delete'),
    ]


def test_a_router_hands_on_what_it_does_not_know(mapper):
    router = wsgi.Router(mapper, otherwise=wsgi.respond({'other': 1}))
    assert send(router, 'GET', '/p/nothing').json == {'other': 1}


# -- requests ----------------------------------------------------------------------------


def test_links_carry_what_the_request_used():
    request = wsgi.Request.blank('/', base_url='http://host:1')
    request.environ[wsgi.CONTEXT_KEY] = CALLER
    assert request.links('things', '7') == [
        {'rel': 'self', 'href': 'http://host:1/v1.0/p/things/7'},
        {'rel': 'bookmark', 'href': 'http://host:1/things/7'},
    ]


def test_links_carry_the_public_endpoint():
    request = wsgi.Request.blank('/')
    request.environ.update({wsgi.CONTEXT_KEY: CALLER, wsgi.ENDPOINT_KEY: 'https://x'})
    assert request.links('things', '7')[0]['href'] == 'https://x/v1.0/p/things/7'


@pytest.mark.parametrize(('query', 'expected'), [('?a=True', True), ('?a=true', True), ('?a=1', False), ('', False)])
def test_booleans_in_queries(query, expected):
    assert wsgi.Request.blank('/' + query).is_true('a') is expected
