"""What every datastore must do, shown on real engines; a datastore of a vendor's own is found by its plug."""

import os
import shutil
import signal
import socket
import sys
import time
import traceback

import pytest

from tests.fixtures import engines, ordinary
from trove.common import exception, plugs, states
from trove.guestagent import dbaas, requests
from trove.guestagent.system import files, processes

CONTEXT = engines.CONTEXT
ROOT_PASSWORD = 'CanaryRootPassword1'
USER_PASSWORD = 'CanaryUserPassword2'

MARK_STATEMENTS = {
    'redis': ('SET mark 42', 'GET mark', '42'),
    'postgresql': ('CREATE TABLE IF NOT EXISTS mark AS SELECT 42 AS n', 'SELECT n FROM mark', [(42,)]),
    'mysql': ('CREATE TABLE IF NOT EXISTS mark AS SELECT 42 AS n', 'SELECT n FROM mark', ((42,),)),
}


RUNNABLE = [name for name in plugs.names(dbaas.GROUP) if engines.find_missing(name) is None]


def statements_of(guest):
    return MARK_STATEMENTS.get(guest.name, MARK_STATEMENTS['mysql'])


def accounts_of(guest):
    """Return what ``prepare`` is asked to make, as far as the datastore has it."""
    wanted = {'root_password': ROOT_PASSWORD}
    if guest.description.has_databases:
        wanted['databases'] = [{'name': 'first_db'}, {'name': 'second-db'}]
    if guest.description.has_users:
        wanted['users'] = [{'name': 'joe', 'host': '%', 'password': USER_PASSWORD, 'databases': [{'name': 'first_db'}]}]
    return wanted


def override_of(guest):
    """Return a parameter, a value of a tenant's, and the statement that shows it."""
    return {
        'redis': ('maxclients', '333', 'CONFIG GET maxclients'),
        'postgresql': ('max_connections', '33', 'SHOW max_connections'),
    }.get(guest.name, ('max_connections', '33', 'SELECT @@max_connections'))


def memory_of(guest, query):
    """Return what the engine may use for its largest cache, in a unit of its own."""
    if guest.name == 'redis':
        return int(query('INFO memory')['maxmemory'])
    if guest.name == 'postgresql':
        return int(query("SELECT setting FROM pg_settings WHERE name = 'shared_buffers'")[0][0])
    return int(query('SELECT @@innodb_buffer_pool_size')[0][0])


def root_login(guest, password=ROOT_PASSWORD):
    database = 'first_db' if guest.description.has_databases else None
    return guest.login(guest.description.root_user_name, password, database)


@pytest.mark.parametrize('name', [name for name in plugs.names(dbaas.GROUP) if name not in RUNNABLE])
def test_engine_can_be_had(name):
    pytest.skip(f'{name} is not shown here: {engines.find_missing(name)}')


@pytest.fixture(params=RUNNABLE, scope='module')
def shared(request):
    """A guest whose prepare ended well; shared by the tests that leave it serving."""
    guest = engines.Guest(request.param)
    try:
        guest.prepare(**accounts_of(guest))
        yield guest
    finally:
        guest.remove()


@pytest.fixture
def served(shared):
    """The shared guest; what a test leaves logged in is logged out."""
    yield shared
    shared.log_out()


@pytest.fixture(params=RUNNABLE)
def fresh(request):
    """A guest of which nothing was asked yet."""
    guest = engines.Guest(request.param)
    yield guest
    guest.remove()


def run_in_child(work, user=None):
    """Fork; the child may become another user, does the work and ends. Return its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.setsid()
        if user is not None:
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        work()
        code = 0
    except BaseException:
        traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


# -- prepare ---------------------------------------------------------------------------------


def test_prepare_makes_a_healthy_engine(served):
    assert served.manager.health() == states.HEALTHY
    stats = served.manager.get_filesystem_stats()
    assert stats['total'] >= stats['used'] > 0


def test_prepare_makes_what_was_asked_for(served):
    write, read, expected = statements_of(served)
    query = root_login(served)
    query(write)
    assert list(query(read)) == list(expected)
    if served.description.has_users:
        served.login('joe', USER_PASSWORD, 'first_db')
        page = served.manager.list_users(CONTEXT, None, None, False)
        assert page['items'] == [{'name': 'joe', 'host': '%', 'databases': [{'name': 'first_db'}]}]
    if served.description.has_databases:
        page = served.manager.list_databases(CONTEXT, None, None, False)
        assert [item['name'] for item in page['items']] == ['first_db', 'second-db']


@pytest.mark.parametrize('password', [None, '', 'wrong'])
@pytest.mark.parametrize('is_local', [False, True])
def test_nobody_comes_in_without_the_password(served, password, is_local):
    for user in ('os_admin', 'joe', '', 'root', 'postgres', 'mysql', 'default', served.description.root_user_name):
        if served.name == 'redis' and user not in ('os_admin', 'default', '-'):
            continue
        if user == '' and served.name == 'postgresql':
            continue
        with pytest.raises(engines.Refused):
            served.login(user, password, is_local=is_local)


def test_template_is_applied(served):
    ask = {
        'redis': ('CONFIG GET maxmemory', ['maxmemory', str(153 * 1024 * 1024)]),
        'postgresql': ('SHOW shared_buffers', [('64MB',)]),
    }.get(served.name, ('SELECT @@innodb_buffer_pool_size', [(64 * 1024 * 1024,)]))
    answer = root_login(served)(ask[0])
    if isinstance(answer, dict):
        answer = [item for pair in answer.items() for item in pair]
    assert list(answer) == ask[1]


def test_prepare_again_changes_nothing(served):
    write, read, expected = statements_of(served)
    root_login(served)(write)
    before = served.process()
    served.prepare(**accounts_of(served))
    assert served.process() == before
    assert list(root_login(served)(read)) == list(expected)


def test_prepare_after_kill_at_any_moment(fresh):
    accounts = accounts_of(fresh)
    for seconds in (0.02, 0.1, 0.3, 0.6, 1.0):
        child = run_in_child(lambda: fresh.prepare(**accounts))
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    fresh.restart_agent()
    fresh.prepare(**accounts)
    assert fresh.manager.health() == states.HEALTHY
    root_login(fresh)
    drafts = [entry for entry in os.listdir(f'{fresh.folder}/volume') if entry.startswith('data.new')]
    assert drafts == []


def test_prepare_as_an_ordinary_user(fresh):
    if os.geteuid() != 0:
        pytest.skip('all other tests run so')
    if not ordinary.can_run_trove(engines.UNPRIVILEGED):
        pytest.skip(f'the user {engines.UNPRIVILEGED} cannot read what is imported here')
    os.chown(fresh.folder, 65534, 65534)
    accounts = accounts_of(fresh)
    # The agent made its state folder as root before it was told otherwise.
    shutil.rmtree(f'{fresh.folder}/state')

    def life():
        fresh.restart_agent()
        fresh.prepare(**accounts)
        fresh.manager.restart(CONTEXT)
        assert fresh.manager.health() == states.HEALTHY
        assert os.stat(f'/proc/{fresh.process().pid}').st_uid == 65534

    _, status = os.waitpid(run_in_child(life, engines.UNPRIVILEGED), 0)
    assert os.waitstatus_to_exitcode(status) == 0
    root_login(fresh)


def test_overrides_are_applied(fresh):
    name, value, question = override_of(fresh)
    fresh.prepare(**accounts_of(fresh), overrides={name: value})
    assert value in str(root_login(fresh)(question))


def test_taken_port_is_told(fresh):
    with socket.socket() as other:
        other.bind((fresh.address, fresh.description.port))
        other.listen()
        with pytest.raises(exception.GuestError, match='ended right after its start'):
            fresh.prepare(**accounts_of(fresh))
    assert fresh.manager.health() == states.CRASHED


# -- life ------------------------------------------------------------------------------------


def test_stop_start_and_restart(served):
    served.manager.stop(CONTEXT)
    assert served.manager.health() == states.SHUTDOWN
    served.manager.services.tend()
    assert served.process().is_alive() is False
    served.manager.stop(CONTEXT)
    served.manager.start(CONTEXT)
    before = served.process()
    served.manager.start(CONTEXT)
    assert served.process() == before
    served.manager.restart(CONTEXT)
    assert served.process() != before
    assert served.manager.health() == states.HEALTHY


def test_engine_outlives_the_agent(served):
    before = served.process()
    served.restart_agent()
    assert served.manager.health() == states.HEALTHY
    served.manager.start(CONTEXT)
    assert served.process() == before


def test_agent_killed_before_it_knew_the_process_finds_it(served):
    before = served.process()
    path = f'{served.folder}/state/services/trove-{served.name}.json'
    files.write_json(path, {**files.read_json(path), 'process': None})
    served.restart_agent()
    served.manager.start(CONTEXT)
    assert processes.find_marked(f'{served.conf.guest_id}/trove-{served.name}') == before
    assert served.process() == before


def test_dead_engine_is_started_again(served):
    before = served.process()
    engines.kill(before)
    engines.await_true(lambda: served.manager.health() == states.CRASHED)
    # The restart of an engine is put off for a while when it dies again and again.
    engines.await_true(lambda: served.manager.services.tend() or served.manager.health() == states.HEALTHY)
    assert served.process() != before


def test_dead_engine_that_nobody_reaps_is_started_again(served):
    # The agent that started it is gone, and the first process of a container may reap nobody.
    before = served.process()
    child = run_in_child(lambda: (served.manager.restart(CONTEXT), time.sleep(60)))
    engines.await_true(lambda: served.process() != before and served.manager.health() == states.HEALTHY)
    engine = served.process()
    os.kill(engine.pid, signal.SIGKILL)
    engines.await_true(lambda: not engine.is_alive())
    try:
        engines.await_true(lambda: served.manager.services.tend() or served.manager.health() == states.HEALTHY)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_engine_comes_back_after_a_restart_of_the_host(served):
    """Processes and the folder for sockets are gone then; what was wanted is started again."""
    write, read, expected = statements_of(served)
    root_login(served)(write)
    served.log_out()
    engines.kill(served.process())
    shutil.rmtree(f'{served.folder}/run')
    served.restart_agent()
    engines.await_true(lambda: served.manager.services.tend() or served.manager.health() == states.HEALTHY)
    assert list(root_login(served)(read)) == list(expected)


def test_frozen_engine_is_blocked(served):
    process = served.process()
    process.send(signal.SIGSTOP)
    try:
        assert served.manager.health() == states.BLOCKED
    finally:
        process.send(signal.SIGCONT)
    assert served.manager.health() == states.HEALTHY


def test_stopped_engine_stays_down_until_it_is_started(served):
    served.manager.stop(CONTEXT)
    # The agent and the host start again: processes and the folder for sockets are gone.
    shutil.rmtree(f'{served.folder}/run')
    served.restart_agent()
    served.manager.services.tend()
    assert served.manager.health() == states.SHUTDOWN
    served.manager.start_with_changes(CONTEXT, requests.StartRequest(served.template(256)))
    assert served.manager.health() == states.HEALTHY
    served.log_out()
    engines.kill(served.process())
    engines.await_true(lambda: served.manager.services.tend() or served.manager.health() == states.HEALTHY)


def test_start_with_another_template_gives_the_engine_its_memory(fresh):
    name, value, question = override_of(fresh)
    fresh.prepare(**accounts_of(fresh), overrides={name: value})
    write, read, expected = statements_of(fresh)
    query = root_login(fresh)
    query(write)
    before = memory_of(fresh, query)
    fresh.log_out()
    fresh.manager.stop(CONTEXT)
    # It is asked for twice, as when the agent was killed after the first time.
    for _ in range(2):
        fresh.manager.start_with_changes(CONTEXT, requests.StartRequest(fresh.template(512)))
    query = root_login(fresh)
    assert memory_of(fresh, query) == pytest.approx(2 * before, rel=0.01)
    assert value in str(query(question))
    assert list(query(read)) == list(expected)


# -- rebuild ---------------------------------------------------------------------------------


@pytest.fixture(params=RUNNABLE)
def kept(request):
    """A guest with data, whose state lies on its volume."""
    guest = engines.Guest(request.param, state='volume/state')
    name, value, _ = override_of(guest)
    guest.prepare(**accounts_of(guest), overrides={name: value})
    root_login(guest)(statements_of(guest)[0])
    guest.log_out()
    yield guest
    guest.remove()


def make_host_anew(guest):
    """Leave what a fresh root disk leaves of a guest, on which the engine's user has another id."""
    engines.kill(guest.process())
    for place in ('run', 'log', f'{guest.state}/services'):
        shutil.rmtree(f'{guest.folder}/{place}')
    if os.geteuid() == 0:
        for folder, folders, names in os.walk(f'{guest.folder}/volume/data'):
            for name in ('', *folders, *names):
                os.chown(os.path.join(folder, name), 4321, 4321, follow_symlinks=False)
    guest.restart_agent()


def test_rebuild_serves_what_is_on_the_volume(kept):
    password = kept.manager.app.admin_password()
    make_host_anew(kept)
    kept.manager.services.tend()
    assert kept.manager.health() == states.SHUTDOWN
    for _ in range(2):
        kept.manager.rebuild(CONTEXT, requests.RebuildRequest('', kept.template(256)))
    assert kept.manager.health() == states.HEALTHY
    assert kept.manager.app.admin_password() == password
    _, value, question = override_of(kept)
    query = root_login(kept)
    assert value in str(query(question))
    assert list(query(statements_of(kept)[1])) == list(statements_of(kept)[2])
    # Nothing is left that the new owner may not write.
    foreign = [entry for entry in os.scandir(f'{kept.folder}/volume/data') if entry.stat().st_uid == 4321]
    assert foreign == []
    assert kept.manager.is_root_enabled(CONTEXT)


def test_rebuild_after_a_kill_at_any_moment(kept):
    make_host_anew(kept)
    request = requests.RebuildRequest('', kept.template(256))
    for seconds in (0.01, 0.1, 0.4):
        child = run_in_child(lambda: kept.manager.rebuild(CONTEXT, request))
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    kept.restart_agent()
    kept.manager.rebuild(CONTEXT, request)
    query = root_login(kept)
    assert list(query(statements_of(kept)[1])) == list(statements_of(kept)[2])


@pytest.mark.parametrize('lost', ['state', 'state/engine', 'data'])
def test_rebuild_without_the_state_is_told_and_makes_nothing(kept, lost):
    make_host_anew(kept)
    shutil.rmtree(f'{kept.folder}/volume/{lost}')
    kept.restart_agent()
    with pytest.raises(exception.GuestError, match='state_path'):
        kept.manager.rebuild(CONTEXT, requests.RebuildRequest('', kept.template(256)))
    assert kept.process() is None
    assert os.path.exists(f'{kept.folder}/volume/data') == (lost != 'data')


# -- root ------------------------------------------------------------------------------------


def test_root_is_enabled_and_disabled(served):
    manager = served.manager
    assert manager.is_root_enabled(CONTEXT)
    given = manager.enable_root(CONTEXT)
    assert given['name'] == served.description.root_user_name
    assert len(given['password']) >= 20
    with pytest.raises(engines.Refused):
        root_login(served)
    root_login(served, given['password'])
    manager.disable_root(CONTEXT)
    manager.disable_root(CONTEXT)
    assert not manager.is_root_enabled(CONTEXT)
    with pytest.raises(engines.Refused):
        root_login(served, given['password'])
    manager.restart(CONTEXT)
    with pytest.raises(engines.Refused):
        root_login(served, given['password'])
    assert manager.enable_root(CONTEXT, ROOT_PASSWORD)['password'] == ROOT_PASSWORD
    assert manager.is_root_enabled(CONTEXT)
    manager.restart(CONTEXT)
    root_login(served)


# -- databases -------------------------------------------------------------------------------


@pytest.fixture
def databases(served):
    if not served.description.has_databases:
        pytest.skip(f'{served.name} has no databases')
    return served


@pytest.fixture
def users(served):
    if not served.description.has_users:
        pytest.skip(f'{served.name} has no users')
    return served


def page_names(page):
    return [item['name'] for item in page['items']]


def test_what_it_cannot_is_not_supported(served):
    calls = []
    if not served.description.has_databases:
        calls.append(lambda: served.manager.list_databases(CONTEXT, None, None, False))
        calls.append(lambda: served.description.validate_database({'name': 'some'}))
    if not served.description.has_users:
        calls.append(lambda: served.manager.get_user(CONTEXT, 'joe', '%'))
        calls.append(lambda: served.description.validate_user({'name': 'some'}))
    for call in calls:
        with pytest.raises(exception.DatastoreOperationNotSupported):
            call()


def test_databases_are_paged_by_name(databases):
    manager = databases.manager
    made = [f'page_{number}' for number in range(5)] + ['Page_0']
    manager.create_database(CONTEXT, [{'name': name} for name in made])
    try:
        everything = page_names(manager.list_databases(CONTEXT, None, None, False))
        assert everything == sorted(['first_db', 'second-db', *made])
        marker, seen = None, []
        while True:
            page = manager.list_databases(CONTEXT, 3, marker, False)
            seen += page_names(page)
            marker = page['next_marker']
            if marker is None:
                break
            assert len(page['items']) == 3
        assert seen == everything
        assert page_names(manager.list_databases(CONTEXT, 1, 'page_2', True)) == ['page_2']
        assert page_names(manager.list_databases(CONTEXT, 1, 'page_2', False)) == ['page_3']
        assert manager.list_databases(CONTEXT, 2, 'zzz', False) == {'items': [], 'next_marker': None}
        assert not set(everything) & databases.description.reserved_databases
    finally:
        for name in made:
            manager.delete_database(CONTEXT, {'name': name})


def test_database_that_exists_is_refused_and_none_is_made(databases):
    with pytest.raises(exception.DatabaseExists):
        databases.manager.create_database(CONTEXT, [{'name': 'other'}, {'name': 'first_db'}])
    assert 'other' not in page_names(databases.manager.list_databases(CONTEXT, None, None, False))


def test_missing_or_reserved_database_is_not_found(databases):
    for name in ('missing', *databases.description.reserved_databases):
        with pytest.raises(exception.NotFound):
            databases.manager.delete_database(CONTEXT, {'name': name})


def test_database_in_use_is_dropped(databases):
    databases.manager.create_database(CONTEXT, [{'name': 'in-use'}])
    databases.login(databases.description.root_user_name, ROOT_PASSWORD, 'in-use')
    databases.manager.delete_database(CONTEXT, {'name': 'in-use'})
    assert 'in-use' not in page_names(databases.manager.list_databases(CONTEXT, None, None, False))


def test_character_set_and_collation(databases):
    known, collate, unknown = {'postgresql': ('SQL_ASCII', 'C', 'nonsense')}.get(
        databases.name, ('latin1', 'latin1_bin', 'nonsense')
    )
    created = {'name': 'charset', 'character_set': known, 'collate': collate}
    databases.manager.create_database(CONTEXT, [created])
    databases.manager.delete_database(CONTEXT, {'name': 'charset'})
    with pytest.raises(exception.TroveError) as caught:
        databases.manager.create_database(CONTEXT, [{'name': 'charset', 'character_set': unknown}])
    assert caught.value.code == 400


# -- users -----------------------------------------------------------------------------------


@pytest.fixture
def ann(users):
    """A user of two databases."""
    user = {'name': 'ann', 'host': '%', 'password': USER_PASSWORD}
    granted = [{'name': 'first_db'}, {'name': 'second-db'}]
    users.manager.create_user(CONTEXT, [{**user, 'databases': granted}])
    yield users
    for name in ('ann', 'bea'):
        if users.manager.get_user(CONTEXT, name, '%') is not None:
            users.manager.delete_user(CONTEXT, {'name': name, 'host': '%'})


def test_user_works_in_its_databases_only(ann):
    ann.manager.create_database(CONTEXT, [{'name': 'firstXdb'}])
    try:
        query = ann.login('ann', USER_PASSWORD, 'first_db')
        query('CREATE TABLE of_ann (n integer)')
        query('INSERT INTO of_ann VALUES (1)')
        query('DROP TABLE of_ann')
        with pytest.raises(engines.Refused):
            ann.login('ann', USER_PASSWORD, 'firstXdb')
    finally:
        ann.manager.delete_database(CONTEXT, {'name': 'firstXdb'})


def test_user_is_shown_and_listed(ann):
    granted = [{'name': 'first_db'}, {'name': 'second-db'}]
    assert ann.manager.get_user(CONTEXT, 'ann', '%') == {'name': 'ann', 'host': '%', 'databases': granted}
    assert ann.manager.list_access(CONTEXT, 'ann', '%') == granted
    page = ann.manager.list_users(CONTEXT, 1, None, False)
    assert (page_names(page), page['next_marker']) == (['ann'], 'ann@%')
    page = ann.manager.list_users(CONTEXT, 1, page['next_marker'], False)
    assert (page_names(page), page['next_marker']) == (['joe'], None)
    assert page_names(ann.manager.list_users(CONTEXT, 1, 'joe@%', True)) == ['joe']
    for name in ann.description.reserved_users:
        assert ann.manager.get_user(CONTEXT, name, '%') is None


def test_user_that_exists_is_refused_and_none_is_made(ann):
    wanted = [{'name': name, 'host': '%', 'password': USER_PASSWORD} for name in ('zoe', 'ann')]
    with pytest.raises(exception.UserExists):
        ann.manager.create_user(CONTEXT, wanted)
    assert ann.manager.get_user(CONTEXT, 'zoe', '%') is None


def test_missing_or_reserved_user_is_not_found(users):
    manager = users.manager
    for name in ('missing', *users.description.reserved_users):
        calls = [
            lambda name=name: manager.delete_user(CONTEXT, {'name': name, 'host': '%'}),
            lambda name=name: manager.update_attributes(CONTEXT, name, '%', {'password': USER_PASSWORD}),
            lambda name=name: manager.change_passwords(CONTEXT, [{'name': name, 'password': USER_PASSWORD}]),
            lambda name=name: manager.grant_access(CONTEXT, name, '%', ['first_db']),
            lambda name=name: manager.revoke_access(CONTEXT, name, '%', 'first_db'),
            lambda name=name: manager.list_access(CONTEXT, name, '%'),
        ]
        for call in calls:
            with pytest.raises(exception.UserNotFound):
                call()


def test_grants_are_given_and_taken(ann):
    manager = ann.manager
    manager.revoke_access(CONTEXT, 'ann', '%', 'first_db')
    assert manager.list_access(CONTEXT, 'ann', '%') == [{'name': 'second-db'}]
    with pytest.raises(engines.Refused):
        ann.login('ann', USER_PASSWORD, 'first_db')
    with pytest.raises(exception.DatabaseNotFound):
        manager.revoke_access(CONTEXT, 'ann', '%', 'first_db')
    manager.grant_access(CONTEXT, 'ann', '%', ['first_db'])
    manager.grant_access(CONTEXT, 'ann', '%', ['first_db'])
    ann.login('ann', USER_PASSWORD, 'first_db')


def test_name_and_password_change_and_grants_stay(ann):
    ann.manager.update_attributes(CONTEXT, 'ann', '%', {'name': 'bea', 'password': 'An0therCanary'})
    assert ann.manager.get_user(CONTEXT, 'ann', '%') is None
    ann.login('bea', 'An0therCanary', 'first_db')
    ann.manager.change_passwords(CONTEXT, [{'name': 'bea', 'host': '%', 'password': USER_PASSWORD}])
    ann.login('bea', USER_PASSWORD, 'second-db')
    with pytest.raises(exception.UserExists):
        ann.manager.update_attributes(CONTEXT, 'bea', '%', {'name': 'joe'})


def test_user_that_owns_things_and_is_logged_in_is_deleted(ann):
    query = ann.login('ann', USER_PASSWORD, 'first_db')
    query('CREATE TABLE owned (n integer)')
    ann.manager.delete_user(CONTEXT, {'name': 'ann', 'host': '%'})
    assert ann.manager.get_user(CONTEXT, 'ann', '%') is None
    with pytest.raises(engines.Refused):
        ann.login('ann', USER_PASSWORD, 'first_db')
    root_login(ann)('DROP TABLE owned')


def test_names_and_passwords_are_never_read_as_sql(users):
    odd = {'name': 'o\'dd"`; --', 'host': '%', 'password': 'p\'w"\\;%s:x'}
    users.manager.create_user(CONTEXT, [{**odd, 'databases': [{'name': 'first_db'}]}])
    users.login(odd['name'], odd['password'], 'first_db')
    users.manager.change_passwords(CONTEXT, [{**odd, 'password': 'é%s\'"'}])
    users.manager.revoke_access(CONTEXT, odd['name'], '%', 'first_db')
    users.manager.delete_user(CONTEXT, odd)
    strange = 'd\'b"`%s; --'
    users.manager.create_database(CONTEXT, [{'name': strange}])
    users.manager.grant_access(CONTEXT, 'joe', '%', [strange])
    assert {'name': strange} in users.manager.list_access(CONTEXT, 'joe', '%')
    users.manager.revoke_access(CONTEXT, 'joe', '%', strange)
    users.manager.delete_database(CONTEXT, {'name': strange})


# -- secrets ---------------------------------------------------------------------------------


def test_no_secret_in_logs_argv_or_configuration(served, caplog):
    secrets = [ROOT_PASSWORD, USER_PASSWORD, served.manager.app.admin_password()]
    readable = []
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{pid}/cmdline', 'rb') as stream:
                readable.append((f'argv of {pid}', stream.read()))
        except OSError:
            continue
    for place in ('log', 'run', 'state/engine', 'state/jobs', 'state/services'):
        for folder, _, names_here in os.walk(f'{served.folder}/{place}'):
            for name in names_here:
                path = os.path.join(folder, name)
                if os.path.isfile(path):
                    with open(path, 'rb') as stream:
                        readable.append((path, stream.read()))
    leaks = [place for place, content in readable for secret in secrets if secret.encode() in content]
    assert leaks == []
    assert not any(secret in caplog.text for secret in secrets)
    secrets_folder = f'{served.folder}/state/secrets'
    assert os.stat(secrets_folder).st_mode & 0o077 == 0
    assert all(os.stat(os.path.join(secrets_folder, name)).st_mode & 0o077 == 0 for name in os.listdir(secrets_folder))
