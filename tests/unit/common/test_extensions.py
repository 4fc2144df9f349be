import json
import textwrap

import pytest

from tests.fixtures import vendor
from trove.common import exception, extensions, plugs, wsgi


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
        return [
            extensions.ActionExtension('instances', 'polish', self._polish),
            extensions.ActionExtension(
                'instances', 'paint', self._polish, schema={'type': 'object', 'required': ['colour']}
            ),
            extensions.ActionExtension('instances', 'burn', self._burn),
        ]

    def get_request_extensions(self):
        return [extensions.RequestExtension('GET', '/things/{id}', self._follow)]

    def _follow(self, req, response):
        return wsgi.respond({**response.json, 'more': req.method}, response.status_int)

    def _burn(self, body, req, id):
        raise RuntimeError('canary of the inside')

    def _polish(self, body, req, id):
        return wsgi.Result({'polished': id, 'body': body}, 202)


def otherwise(environ, start_response):
    return wsgi.respond({'other': wsgi.Request(environ).body.decode()})(environ, start_response)


def extension_of(descriptor, distribution='acme-trove'):
    """Return a descriptor as one that was loaded from a package."""
    plug = plugs.Plug(extensions.GROUP, descriptor.__name__.lower(), f'acme:{descriptor.__name__}', distribution, '1.2')
    return extensions.Extension(plug, descriptor)


def serve(*descriptors, otherwise=otherwise):
    """Return the extensions in front of an application, wrapped as the pipeline does."""
    known = [extension_of(descriptor, f'package-{number}') for number, descriptor in enumerate(descriptors)]
    return wsgi.FaultWrapper(extensions.make_application(known, otherwise, ['json']))


@pytest.fixture
def application():
    return serve(Vendor)


def send(application, method, path, json_body=None, **kwargs):
    if json_body is not None:
        kwargs.update(body=json.dumps(json_body).encode(), content_type='application/json')
    return wsgi.Request.blank(path, method=method, **kwargs).get_response(application)


def test_new_resources(application):
    assert send(application, 'GET', '/p/things').json == {'things': []}
    assert send(application, 'GET', '/p/things/7').json == {'thing': '7', 'more': 'GET'}
    assert send(application, 'GET', '/p/things/summary').json['summary'] == 1
    assert send(application, 'POST', '/p/things/7/poke').json == {'poked': '7'}


def test_methods_that_the_controller_lacks_are_left_to_others(application):
    assert 'other' in send(application, 'DELETE', '/p/things/7').json


def test_a_new_action(application):
    response = send(application, 'POST', '/p/instances/7/action', json_body={'polish': {'with': 'wax'}})
    assert (response.status_int, response.json) == (202, {'polished': '7', 'body': {'polish': {'with': 'wax'}}})


@pytest.mark.parametrize('body', [b'{"restart": {}}', b'{', b'[]', b'', b'{}', b'{"polish": {}, "restart": {}}'])
def test_other_actions_are_handed_on_untouched(application, body):
    response = send(application, 'POST', '/p/instances/7/action', body=body, content_type='application/json')
    assert response.json == {'other': body.decode()}


def test_the_value_of_an_action_is_checked(application):
    response = send(application, 'POST', '/p/instances/7/action', json_body={'paint': {}})
    assert (response.status_int, list(response.json)) == (400, ['badRequest'])
    response = send(application, 'POST', '/p/instances/7/action', json_body={'paint': {'colour': 'red'}})
    assert response.status_int == 202


def test_an_error_of_an_action_is_a_fault(application):
    response = send(application, 'POST', '/p/instances/7/action', json_body={'burn': {}})
    assert (response.status_int, list(response.json)) == (500, ['instanceFault'])
    assert 'canary' not in response.text


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


# -- claims ------------------------------------------------------------------------------


class Bare(extensions.ExtensionDescriptor):
    """Brings nothing but its name."""

    def get_name(self):
        return type(self).__name__

    def get_description(self):
        return 'Nothing.'

    def get_namespace(self):
        return 'https://bare.example.org'

    def get_updated(self):
        return '2026-01-01T00:00:00Z'


class OtherThings(Bare):
    def get_resources(self):
        return [extensions.ResourceExtension('things', Things(), actions={'/{thing_id}': {'GET': 'show'}})]


class SummaryOfThings(Bare):
    def get_resources(self):
        return [extensions.ResourceExtension('things', Things(), actions={'/special': {'GET': 'summary'}})]


class OtherPolish(Bare):
    def get_actions(self):
        return [extensions.ActionExtension('instances', 'polish', print)]


class SameAlias(Bare):
    def get_alias(self):
        return 'vendor-things'


class Restart(Bare):
    def get_actions(self):
        return [extensions.ActionExtension('{tenant_id}/instances', 'restart', print)]


class Instances(Bare):
    def get_resources(self):
        return [extensions.ResourceExtension('instances', Things(), actions={'/{anything}': {'GET': 'show'}})]


class Swallows(Bare):
    def get_resources(self):
        return [extensions.ResourceExtension('{any}/{thing}', Things(), actions={'': {'GET': 'show'}})]


class Listing(Bare):
    def get_resources(self):
        return [extensions.ResourceExtension('extensions', Things())]


class Below(Bare):
    """Stands beside our routes and hides none."""

    def get_resources(self):
        instance = {'member_name': 'instance', 'collection_name': 'instances'}
        return [
            extensions.ResourceExtension('things', Things(), parent=instance),
            extensions.ResourceExtension('instances', Things(), actions={'/special': {'GET': 'index'}}),
        ]


class Rooms(wsgi.Controller):
    schemas = {'action': {'properties': {'restart': {}}}}

    def show(self, req, tenant_id, id):
        return wsgi.Result({'instance': id})

    def action(self, req, body, tenant_id, id):
        return wsgi.Result(None, 202)


@pytest.fixture
def rooms():
    mapper = wsgi.Mapper()
    mapper.add('/instances/{id}', Rooms().create_resource(), {'GET': 'show'})
    mapper.add('/instances/{id}/action', Rooms().create_resource(), {'POST': 'action'})
    return wsgi.Router(mapper)


@pytest.mark.parametrize(
    ('other', 'what'),
    [
        (SameAlias, 'claims the alias vendor-things'),
        (OtherThings, 'claims the route GET /things/{thing_id}'),
        (SummaryOfThings, 'claims the route GET /things/special'),
        (OtherPolish, "claims the action 'polish' of /instances/{id}/action"),
    ],
)
def test_two_that_claim_the_same_are_told_with_both_packages(other, what):
    with pytest.raises(exception.PlugError) as caught:
        serve(Vendor, other)
    told = str(caught.value)
    assert what in told
    assert 'acme:Vendor of package-0 1.2' in told
    assert f'acme:{other.__name__} of package-1 1.2' in told


@pytest.mark.parametrize(
    ('other', 'what'),
    [
        (Restart, "claims the action 'restart' of /instances/{id}/action, and so does the API itself of trove"),
        (Instances, 'claims the route GET /instances/{id}, and so does the API itself of trove'),
        (Swallows, 'claims the route GET /extensions/{id}, and so does the API itself of trove'),
        (Listing, 'claims the route GET /extensions, and so does the API itself of trove'),
    ],
)
def test_what_is_ours_cannot_be_claimed(rooms, other, what):
    with pytest.raises(exception.PlugError) as caught:
        serve(other, otherwise=rooms)
    assert str(caught.value).startswith(f"Plug '{other.__name__.lower()}' of 'trove.api.extensions'")
    assert what in str(caught.value)


def test_routes_and_actions_beside_ours_are_no_claims(rooms):
    application = serve(Vendor, Below, otherwise=rooms)
    assert send(application, 'GET', '/p/instances/7').json == {'instance': '7'}
    assert send(application, 'GET', '/p/instances/special').json == {'things': []}
    assert send(application, 'POST', '/p/instances/7/action', json_body={'restart': {}}).status_int == 202
    assert send(application, 'POST', '/p/instances/7/action', json_body={'polish': {}}).json['polished'] == '7'


class ActsOnOurManagement(Bare):
    """An action of a resource that is an extension, too."""

    def get_actions(self):
        return [extensions.ActionExtension('things', 'polish', lambda body, req, id: wsgi.Result({'polished': id}))]


class Acting(Bare):
    def get_resources(self):
        return [extensions.ResourceExtension('things', Rooms(), actions={'/{id}/action': {'POST': 'action'}})]


def test_actions_of_a_resource_that_another_extension_brings():
    application = serve(Acting, ActsOnOurManagement)
    assert send(application, 'POST', '/p/things/7/action', json_body={'polish': {}}).json == {'polished': '7'}
    assert send(application, 'POST', '/p/things/7/action', json_body={'restart': {}}).status_int == 202


# -- loading -----------------------------------------------------------------------------

SOURCE = """
    from trove.common import extensions

    class Acme(extensions.ExtensionDescriptor):
        def get_name(self): return 'Acme'
        def get_description(self): return 'Of a file.'
        def get_namespace(self): return 'https://acme.example.org'
        def get_updated(self): return '2026-01-01T00:00:00Z'
"""


def test_a_folder_of_files_still_works_with_a_warning(tmp_path, caplog):
    (tmp_path / 'acme.py').write_text(textwrap.dedent(SOURCE))
    (tmp_path / '_other.py').write_text('raise LookupError')
    found = extensions.load(str(tmp_path))
    assert [one.view['alias'] for one in found] == ['mgmt', 'mysql', 'acme']
    (told,) = caplog.messages
    assert f'{tmp_path}/acme.py' in told
    assert 'install it as a package' in told


@pytest.mark.parametrize(
    ('source', 'cause'),
    [
        ('', 'has no subclass of trove.common.extensions.ExtensionDescriptor'),
        ('import nowhere', "ModuleNotFoundError: No module named 'nowhere'"),
        (
            'from trove.common import extensions\nclass Half(extensions.ExtensionDescriptor): pass',
            'lacks get_description',
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_told(tmp_path, source, cause):
    (tmp_path / 'acme.py').write_text(source)
    with pytest.raises(exception.PlugError) as caught:
        extensions.load(str(tmp_path))
    assert f"Plug 'acme' of 'api_extensions_path' cannot be used: {tmp_path}/acme.py" in str(caught.value)
    assert cause in str(caught.value)


def test_a_folder_that_is_none_is_told(tmp_path):
    with pytest.raises(exception.ConfigurationError, match='api_extensions_path'):
        extensions.load(str(tmp_path / 'nowhere'))


def test_an_installed_extension_that_fails_is_told(tmp_path):
    with vendor.site(tmp_path) as site:
        source = SOURCE + '        def get_resources(self): raise LookupError("no licence")\n'
        site.install(modules={'acme_api': source}, trove__api__extensions={'acme': 'acme_api:Acme'})
        with pytest.raises(exception.PlugError, match=r'acme_api:Acme of acme-trove 1.2 .*LookupError: no licence'):
            extensions.make_application(extensions.load(), otherwise, ['json'])


def test_our_own_extensions_bring_no_rules_twice():
    assert extension_of(Vendor).rules == []
