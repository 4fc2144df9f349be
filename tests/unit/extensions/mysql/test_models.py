import pytest

from trove.common import context, exception, pagination
from trove.extensions.mysql import models
from trove.guestagent.datastore.mysql import description as mysql
from trove.guestagent.datastore.postgresql import description as postgresql
from trove.guestagent.datastore.redis import description as redis

CALLER = context.TroveContext(user_id='u', project_id='p')


class Guest:
    """Remembers what it is asked."""

    def __init__(self, answer=None):
        self.calls = []
        self._answer = answer

    def __getattr__(self, name):
        def call(_context, *args, **kwargs):
            self.calls.append((name, *args, *kwargs.values()))
            return self._answer

        return call


def ready(guest=None, datastore=None):
    return models.Ready(CALLER, 'instance-id', datastore or mysql.MariaDB(), guest or Guest())


@pytest.mark.parametrize(
    ('text', 'name', 'host'),
    [
        ('ann', 'ann', '%'),
        ('ann@%', 'ann', '%'),
        ('ann@10.0.%', 'ann', '10.0.%'),
        ('o@x@%', 'o@x', '%'),
        ('ann@', 'ann@', '%'),
        ('@', '@', '%'),
        ('@host', '', 'host'),
        ('', '', '%'),
    ],
)
def test_user_ids(text, name, host):
    assert models.UserId.parse(text) == models.UserId(name, host)


def test_a_user_id_reads_like_a_marker():
    assert str(models.UserId('ann', '%')) == 'ann@%'


def test_only_what_is_known_of_a_database_reaches_the_guest():
    guest = Guest()
    models.create_databases(ready(guest), [{'name': 'ab', 'collate': 'utf8mb4_bin', 'evil': 1}])
    assert guest.calls == [('create_database', [{'name': 'ab', 'collate': 'utf8mb4_bin'}])]


@pytest.mark.parametrize(
    'databases',
    [
        [{'name': 'mysql'}],
        [{'name': 'a'}],
        [{'name': 'ab'}, {'name': 'ab'}],
        [{'name': 'x' * 65}],
        [{'name': 'ab', 'character_set': 'none'}],
    ],
)
def test_bad_databases_never_reach_the_guest(databases):
    guest = Guest()
    with pytest.raises(exception.BadRequest):
        models.create_databases(ready(guest), databases)
    assert guest.calls == []


def test_nothing_to_create_asks_nobody():
    guest = Guest()
    models.create_databases(ready(guest), [])
    models.create_users(ready(guest), [])
    models.change_passwords(ready(guest), [])
    models.grant_access(ready(guest), models.UserId('ann', '%'), [])
    assert guest.calls == []


def test_each_datastore_has_reserved_names_of_its_own():
    with pytest.raises(exception.ReservedName):
        models.delete_database(ready(datastore=postgresql.PostgreSQL()), 'postgres')
    guest = Guest()
    models.delete_database(ready(guest), 'postgres')
    assert guest.calls == [('delete_database', {'name': 'postgres'})]


def test_users_reach_the_guest_whole():
    guest = Guest()
    wanted = [{'name': 'ann', 'password': 'x', 'databases': [{'name': 'ab', 'evil': 1}], 'evil': 1}]
    models.create_users(ready(guest), wanted)
    expected = [{'name': 'ann', 'password': 'x', 'host': '%', 'databases': [{'name': 'ab'}]}]
    assert guest.calls == [('create_user', expected)]


def test_the_same_name_from_two_hosts_is_two_users():
    guest = Guest()
    wanted = [{'name': 'ann', 'password': 'x'}, {'name': 'ann', 'password': 'x', 'host': '10.0.0.1'}]
    models.create_users(ready(guest), wanted)
    with pytest.raises(exception.UserExists):
        models.create_users(ready(guest), [*wanted, {'name': 'ann', 'password': 'x', 'host': '%'}])
    assert len(guest.calls) == 1


def test_changing_passwords():
    guest = Guest()
    models.change_passwords(ready(guest), [{'name': 'ann', 'password': 'x', 'databases': []}])
    assert guest.calls == [('change_passwords', [{'name': 'ann', 'password': 'x', 'host': '%'}])]


def test_a_user_that_is_not_there():
    with pytest.raises(exception.UserNotFound, match='ann@%'):
        models.get_user(ready(), models.UserId('ann', '%'))


@pytest.mark.parametrize(
    'work',
    [
        models.get_user,
        models.delete_user,
        lambda found, user: models.update_user(found, user, {'password': 'x'}),
        models.list_access,
        lambda found, user: models.grant_access(found, user, [{'name': 'ab'}]),
        lambda found, user: models.revoke_access(found, user, 'ab'),
    ],
)
def test_reserved_users_are_out_of_reach(work):
    guest = Guest()
    with pytest.raises(exception.ReservedName):
        work(ready(guest), models.UserId('os_admin', '%'))
    assert guest.calls == []


def test_users_that_root_made_are_within_reach():
    guest = Guest()
    models.delete_user(ready(guest), models.UserId('a-name-longer-than-we-would-give', '%'))
    assert guest.calls == [('delete_user', {'name': 'a-name-longer-than-we-would-give', 'host': '%'})]


def test_pages():
    page = pagination.Page(1, 'aa')
    guest = Guest({'items': [{'name': 'ab'}], 'next_marker': 'ab'})
    assert models.list_databases(ready(guest), page) == ([{'name': 'ab'}], 'ab')
    ann = {'name': 'ann', 'host': '%', 'databases': []}
    other = Guest({'items': [ann], 'next_marker': None})
    assert models.list_users(ready(other), page) == ([ann], None)
    assert [*guest.calls, *other.calls] == [('list_databases', 1, 'aa'), ('list_users', 1, 'aa')]


@pytest.mark.parametrize('password', ['two\nlines', ' x', 'x ', '\x7f', 'a\0'])
def test_passwords_that_no_configuration_file_takes(password):
    with pytest.raises(exception.BadRequest):
        models.enable_root(ready(datastore=redis.Redis()), password)


def test_passwords_of_root_are_those_of_users():
    with pytest.raises(exception.BadRequest):
        models.enable_root(ready(), 'semi;colon')


@pytest.mark.parametrize('answer', [None, 3, [], {}, {'items': None, 'next_marker': None}, {'items': [{'name': 3}]}])
@pytest.mark.parametrize(
    'work',
    [
        lambda found: models.list_databases(found, pagination.Page(1, None)),
        lambda found: models.list_users(found, pagination.Page(1, None)),
        lambda found: models.enable_root(found, None),
    ],
)
def test_a_guest_may_not_answer_anything(work, answer):
    with pytest.raises(exception.GuestError, match='not known'):
        work(ready(Guest(answer)))


def test_a_guest_may_not_tell_anything_of_a_user():
    user = models.UserId('ann', '%')
    with pytest.raises(exception.GuestError):
        models.get_user(ready(Guest({'name': 'ann'})), user)
    with pytest.raises(exception.GuestError):
        models.list_access(ready(Guest({'name': 'ann'})), user)


def test_hosts_mean_nothing_to_some_datastores():
    guest = Guest()
    found = ready(guest, postgresql.PostgreSQL())
    models.create_users(found, [{'name': 'ann', 'password': 'x', 'host': '10.0.0.1'}])
    assert guest.calls[0][1][0]['host'] == '%'
    with pytest.raises(exception.UserExists):
        models.create_users(found, [{'name': 'ann', 'password': 'x', 'host': h} for h in ('10.0.0.1', '10.0.0.2')])
