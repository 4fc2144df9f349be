import pytest
from oslo_config import cfg

from trove import versions
from trove.common import auth, wsgi


def application(name):
    def answer(environ, start_response):
        found = {'app': name, 'script': environ['SCRIPT_NAME'], 'path': environ['PATH_INFO']}
        return wsgi.respond(found)(environ, start_response)

    return answer


@pytest.fixture
def path_map():
    conf = cfg.ConfigOpts()
    conf.register_opts(auth.CONTEXT_OPTS)
    conf([], project='trove', default_config_files=[], default_config_dirs=[])
    applications = {
        '/': versions.VersionsApplication(conf),
        '/healthcheck': application('health'),
        '/v1.0': application('api'),
    }
    return wsgi.FaultWrapper(versions.PathMap(applications))


def get(path_map, path, method='GET', **headers):
    return wsgi.Request.blank(path, method=method, headers=headers, base_url='http://h:1').get_response(path_map)


def test_versions_are_listed(path_map):
    version = get(path_map, '/').json['versions'][0]
    assert version['links'] == [{'rel': 'self', 'href': 'http://h:1/v1.0/'}]


@pytest.mark.parametrize('path', ['/v1.0', '/v1.0/'])
def test_one_version_is_shown(path_map, path):
    assert get(path_map, path).json['version']['id'] == 'v1.0'


@pytest.mark.parametrize('path', ['/v1.0/p/instances', '/v1.0//p'])
def test_the_api(path_map, path):
    assert get(path_map, path).json == {'app': 'api', 'script': '/v1.0', 'path': path.removeprefix('/v1.0')}


def test_the_health_check(path_map):
    assert get(path_map, '/healthcheck').json['app'] == 'health'


def test_other_paths_and_methods_are_not_there(path_map):
    assert get(path_map, '/v1.00/p').status_int == 404
    assert get(path_map, '/other').status_int == 404
    assert get(path_map, '/', method='POST').status_int == 404


def test_a_version_may_be_asked_for(path_map):
    accept = 'application/vnd.openstack.trove+json;version='
    found = get(path_map, '/p/instances', Accept=accept + '1.0').json
    assert found == {'app': 'api', 'script': '', 'path': '/p/instances'}
    assert get(path_map, '/p/instances', Accept=accept + '2').status_int == 406


def test_the_public_endpoint_is_the_base():
    conf = cfg.ConfigOpts()
    conf.register_opts(auth.CONTEXT_OPTS)
    conf([], project='trove', default_config_files=[], default_config_dirs=[])
    conf.set_override('public_endpoint', 'https://db.example.org/')
    shown = get(versions.VersionsApplication(conf), '/').json['versions'][0]
    assert shown['links'][0]['href'] == 'https://db.example.org/v1.0/'
