"""The contract of API extensions held against ours, as it is against those of vendors."""

from trove.testing import extensions

USER = {'name': 'ann', 'password': 'secret'}


class TestMysql(extensions.ExtensionContract):
    name = 'mysql'
    bodies = {
        ('POST', '/instances/{instance_id}/databases'): {'databases': [{'name': 'ab'}]},
        ('POST', '/instances/{instance_id}/users'): {'users': [USER]},
        ('PUT', '/instances/{instance_id}/users'): {'users': [USER]},
        ('PUT', '/instances/{instance_id}/users/{id}'): {'user': USER},
        ('PUT', '/instances/{instance_id}/users/{user_id}/databases'): {'databases': [{'name': 'ab'}]},
        ('POST', '/instances/{instance_id}/root'): {'password': 'secret'},
    }


class TestMgmt(extensions.ExtensionContract):
    name = 'mgmt'
    bodies = {
        ('POST', '/mgmt/instances/{id}/action'): {'reboot': {}},
        ('PUT', '/mgmt/quotas/{id}'): {'quotas': {'instances': 7}},
    }
