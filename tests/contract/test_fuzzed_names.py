"""Fuzzed names reach a real engine exactly, or are refused before it: nothing is cut, changed or read as a statement.

The refusal is the one of the control plane, whose rules run before a guest is asked.
"""

import glob
import subprocess

import hypothesis
import pytest
from hypothesis import strategies

from tests.fixtures import engines
from trove.common import exception
from trove.testing import guests

CONTEXT = guests.CONTEXT
# Not the distribution's wrapper, which takes longer than the whole question.
PSQL = max(glob.glob('/usr/lib/postgresql/*/bin/psql'), default='psql')
PASSWORD = 'a Password of 24 letters'
RUNNABLE = [name for name in ('mariadb', 'postgresql') if engines.find_missing(name) is None]

SPECIAL = '\'"`;,\\/%_$#@?*&|<>(){}[]=+-.:~!^ \t\r\n\x00\x1b\x7f\u00a0\u200b\u202e\ufeff\U0001f4a3éßåÅ中ﬁ'
CHOSEN = (
    "'; DROP DATABASE keep; --",
    '`; DROP DATABASE keep; --',
    '"; DROP DATABASE keep; --',
    '../../etc/passwd',
    '/etc/passwd',
    'a\x00b',
    'a/*b*/c',
    '%s%n{0}$(id)`id`',
    'Keep',
    'KEEP',
    'keep ',
    'é' * 31,
    '\U0001f4a3' * 15,
    '\U0001f4a3' * 16,
    'x' * 63,
    'x' * 64,
    'x' * 65,
    'x' * 80,
    'x' * 81,
    'x' * 65_536,
)
TEXTS = strategies.one_of(
    strategies.sampled_from(CHOSEN),
    strategies.text(strategies.sampled_from(SPECIAL + 'aB1'), min_size=1, max_size=70),
    strategies.text(min_size=1, max_size=40),
)
fuzzed = hypothesis.settings(
    max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(hypothesis.HealthCheck)
)


@pytest.fixture(params=RUNNABLE, scope='module')
def guest(request):
    """A guest with one database and one user that must outlive every name."""
    made = engines.Guest(engines.WORLDS[request.param])
    try:
        made.prepare(
            root_password=PASSWORD,
            databases=[{'name': 'keep'}],
            users=[{'name': 'keeper', 'host': '%', 'password': PASSWORD, 'databases': [{'name': 'keep'}]}],
        )
        yield made
    finally:
        made.remove()


def is_refused(validate, wanted):
    """Return whether the control plane takes no such thing; anything but a refusal is raised."""
    try:
        validate(wanted)
    except exception.BadRequest as error:
        assert 'Traceback' not in str(error)
        return True
    return False


def names(guest, list_page):
    return [item['name'] for item in list_page(CONTEXT, None, None, False)['items']]


def ask(guest, name, password, database, statement):
    """Return the answer of a client that is let in, as text; ``Refused`` otherwise."""
    if guest.name != 'postgresql':
        # The bytes that a terminal sends; the library would take older ones.
        answer = guest.login(name, password.encode(), database)(statement)
        guest.log_out()
        return ''.join(str(row[0]) for row in answer)
    # The engine's own client: other libraries take fewer names and passwords than the engine does.
    login = {'PGHOST': guest.address, 'PGUSER': name, 'PGPASSWORD': password, 'PGDATABASE': database}
    asked = subprocess.run(
        [PSQL, '-XAtq', '-w', '-c', statement],
        env={'PGCLIENTENCODING': 'UTF8', **login},
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise engines.Refused(asked.stderr)
    return asked.stdout.strip()


def try_database(guest, name):
    manager = guest.manager
    if name == 'keep' or is_refused(guest.description.validate_database, {'name': name}):
        return False
    manager.create_database(CONTEXT, [{'name': name}])
    assert sorted(names(guest, manager.list_databases)) == sorted(['keep', name])
    manager.grant_access(CONTEXT, 'keeper', '%', [name])
    ask(guest, 'keeper', PASSWORD, name, 'CREATE TABLE mark (n integer)')
    manager.revoke_access(CONTEXT, 'keeper', '%', name)
    assert manager.list_access(CONTEXT, 'keeper', '%') == [{'name': 'keep'}]
    manager.delete_database(CONTEXT, {'name': name})
    return True


def try_user(guest, name, password):
    manager = guest.manager
    user = {'name': name, 'host': '%', 'password': password, 'databases': [{'name': 'keep'}]}
    if name == 'keeper' or is_refused(guest.description.validate_user, user):
        return False
    manager.create_user(CONTEXT, [user])
    try:
        shown = {'name': name, 'host': '%', 'databases': [{'name': 'keep'}]}
        assert manager.get_user(CONTEXT, name, '%') == shown
        assert sorted(names(guest, manager.list_users)) == sorted(['keeper', name])
        assert ask(guest, name, password, 'keep', 'SELECT 1') == '1'
        with pytest.raises(engines.Refused):
            ask(guest, name, password + 'x', 'keep', 'SELECT 1')
    finally:
        manager.delete_user(CONTEXT, user)
    return True


def try_host(guest, host):
    if not guest.description.has_user_hosts or is_refused(guest.description.validate_user, {'host': host}):
        return False
    user = {'name': 'guided', 'host': host, 'password': PASSWORD, 'databases': []}
    guest.manager.create_user(CONTEXT, [user])
    assert guest.manager.get_user(CONTEXT, 'guided', host) == {'name': 'guided', 'host': host, 'databases': []}
    guest.manager.delete_user(CONTEXT, user)
    return True


def assert_untouched(guest):
    """Assert that nothing but what the fixture made is there, and that it works."""
    assert names(guest, guest.manager.list_databases) == ['keep']
    assert names(guest, guest.manager.list_users) == ['keeper']
    assert ask(guest, 'keeper', PASSWORD, 'keep', 'SELECT 1') == '1'


def taken_of(guest, try_one, texts=TEXTS):
    """Try many texts and return those that were taken; what the guest had before must be untouched in the end."""
    taken = []

    @fuzzed
    @hypothesis.given(texts)
    def try_text(text):
        if try_one(text):
            taken.append(text)

    try_text()
    assert_untouched(guest)
    return taken


def test_databases(guest):
    assert taken_of(guest, lambda name: try_database(guest, name))


def test_users(guest):
    assert taken_of(guest, lambda name: try_user(guest, name, PASSWORD))


def test_passwords(guest):
    assert taken_of(guest, lambda password: try_user(guest, 'guided', password))


def test_hosts(guest):
    hosts = strategies.sampled_from(['10.1.%', '10.0.0.0/255.0.0.0', '::1', '10.0.0.0/8', '1%'])
    taken = taken_of(guest, lambda host: try_host(guest, host), strategies.one_of(hosts, TEXTS))
    assert bool(taken) == guest.description.has_user_hosts
