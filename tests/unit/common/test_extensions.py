import json

import pytest

from trove.common import exception, extensions, wsgi


class Things(wsgi.Controller):
    def index(self, req, tenant_id):
        return wsgi.Result({'things': []})

    def show(self, req, tenant_id, id):
        return wsgi.Result({'thing': id})

    def summary(self, req, tenant_id):
        return wsgi.Result({'summary': 1})

    def poke(self, req, tenant_id, id):
        return wsgi.Result({'poked': id})


class Vendor(extensions.ExtensionDescriptor):
    def get_name(self):
        return 'Vendor Things'

    def get_description(self):
        return 'Things.'

    def get_namespace(self):
        return 'https://vendor.example.org'

    def get_updated(self):
        return '2026-01-01T00:00:00Z'

    def get_resources(self):
        return [
            extensions.ResourceExtension(
                'things', Things(), collection_actions={'summary': 'GET'}, member_actions={'poke': 'POST'}
            )
        ]

    def get_actions(self):
        return [extensions.ActionExtension('instances', 'polish', self._polish)]

    def _polish(self, body, req, id):
        return wsgi.Result({'polished': id, 'body': body}, 202)


def otherwise(environ, start_response):
    return wsgi.respond({'other': wsgi.Request(environ).body.decode()})(environ, start_response)


@pytest.fixture
def application():
    mapper = extensions.make_mapper([Vendor()], otherwise, ['json'])
    return wsgi.FaultWrapper(wsgi.Router(mapper, otherwise=otherwise))


def send(application, method, path, json_body=None, **kwargs):
    if json_body is not None:
        kwargs.update(body=json.dumps(json_body).encode(), content_type='application/json')
    return wsgi.Request.blank(path, method=method, **kwargs).get_response(application)


def test_new_resources(application):
    assert send(application, 'GET', '/p/things').json == {'things': []}
    assert send(application, 'GET', '/p/things/7').json == {'thing': '7'}
    assert send(application, 'GET', '/p/things/summary').json == {'summary': 1}
    assert send(application, 'POST', '/p/things/7/poke').json == {'poked': '7'}


def test_methods_that_the_controller_lacks_are_left_to_others(application):
    assert 'other' in send(application, 'DELETE', '/p/things/7').json


def test_a_new_action(application):
    response = send(application, 'POST', '/p/instances/7/action', json_body={'polish': {'with': 'wax'}})
    assert (response.status_int, response.json) == (202, {'polished': '7', 'body': {'polish': {'with': 'wax'}}})


@pytest.mark.parametrize('body', [b'{"restart": {}}', b'{', b'[]', b'', b'{}'])
def test_other_actions_are_handed_on_untouched(application, body):
    response = send(application, 'POST', '/p/instances/7/action', body=body, content_type='application/json')
    assert response.json == {'other': body.decode()}


def test_extensions_are_listed(application):
    view = {
        'name': 'Vendor Things',
        'alias': 'vendor-things',
        'description': 'Things.',
        'namespace': 'https://vendor.example.org',
        'updated': '2026-01-01T00:00:00Z',
        'links': [],
    }
    assert send(application, 'GET', '/p/extensions').json == {'extensions': [view]}
    assert send(application, 'GET', '/p/extensions/vendor-things').json == {'extension': view}
    assert send(application, 'GET', '/p/extensions/other').status_int == 404


@pytest.mark.parametrize(
    ('arguments', 'path'),
    [
        ({'collection': 'things'}, '/things'),
        ({'collection': '{tenant_id}/mgmt/things'}, '/mgmt/things'),
        ({'collection': 'things', 'path_prefix': '/mgmt/'}, '/mgmt/things'),
        (
            {'collection': 'things', 'parent': {'member_name': 'instance', 'collection_name': '{tenant_id}/instances'}},
            '/instances/{instance_id}/things',
        ),
    ],
)
def test_paths(arguments, path):
    assert extensions.ResourceExtension(controller=Things(), **arguments).path == path


def test_a_controller_may_come_as_a_resource():
    resource = Things().create_resource()
    extension = extensions.ResourceExtension('things', resource)
    assert extension.resource() is resource
    assert ('/things', {'GET': 'index'}) in extension.routes()


def test_a_descriptor_must_be_complete():
    class Half(extensions.ExtensionDescriptor):
        pass

    with pytest.raises(TypeError):
        Half()


def test_our_own_extensions_bring_no_rules_twice():
    assert Vendor().list_rules() == []
    assert issubclass(exception.PlugError, exception.TroveError)
