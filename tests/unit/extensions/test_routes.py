from trove.common import extensions, plugs
from trove.extensions.routes import mgmt, mysql


def mapper_of(descriptor):
    plug = plugs.find(extensions.GROUP, descriptor.__name__.lower())
    return extensions.make_mapper([extensions.Extension(plug, descriptor)], ['json'])


def test_descriptors_tell_of_themselves():
    for descriptor, name in ((mysql.Mysql(), 'Mysql'), (mgmt.Mgmt(), 'Mgmt')):
        view = descriptor.view()
        assert view['name'] == name
        assert view['alias'] == name.lower()
        assert all(view[key] for key in ('description', 'namespace', 'updated'))


def test_all_routes_of_databases_users_and_root():
    mapper = mapper_of(mysql.Mysql)
    base = '/{tenant_id}/instances/{instance_id}'
    assert [route for route in mapper.table() if route[1].startswith(base)] == [
        ('GET', f'{base}/databases', 'index'),
        ('POST', f'{base}/databases', 'create'),
        ('GET', f'{base}/databases/{{id}}', 'show'),
        ('DELETE', f'{base}/databases/{{id}}', 'delete'),
        ('GET', f'{base}/users', 'index'),
        ('POST', f'{base}/users', 'create'),
        ('PUT', f'{base}/users', 'update_all'),
        ('GET', f'{base}/users/{{id}}', 'show'),
        ('PUT', f'{base}/users/{{id}}', 'update'),
        ('DELETE', f'{base}/users/{{id}}', 'delete'),
        ('GET', f'{base}/users/{{user_id}}/databases', 'index'),
        ('PUT', f'{base}/users/{{user_id}}/databases', 'update'),
        ('DELETE', f'{base}/users/{{user_id}}/databases/{{id}}', 'delete'),
        ('GET', f'{base}/root', 'index'),
        ('POST', f'{base}/root', 'create'),
        ('DELETE', f'{base}/root', 'delete'),
    ]


def test_all_routes_of_management():
    mapper = mapper_of(mgmt.Mgmt)
    assert [route for route in mapper.table() if '/mgmt/' in route[1]] == [
        ('GET', '/{tenant_id}/mgmt/instances', 'index'),
        ('GET', '/{tenant_id}/mgmt/instances/{id}', 'show'),
        ('POST', '/{tenant_id}/mgmt/instances/{id}/action', 'action'),
        ('GET', '/{tenant_id}/mgmt/instances/{id}/rpc_ping', 'rpc_ping'),
        ('GET', '/{tenant_id}/mgmt/quotas/{id}', 'show'),
        ('PUT', '/{tenant_id}/mgmt/quotas/{id}', 'update'),
        ('GET', '/{tenant_id}/mgmt/instances/{instance_id}/root', 'index'),
    ]
