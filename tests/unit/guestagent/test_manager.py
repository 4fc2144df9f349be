"""The RPC endpoint."""

import pytest

from tests.unit.guestagent import doubles
from trove.common import context as trove_context
from trove.common import exception, states, wire
from trove.guestagent import api, manager, requests
from trove.guestagent.datastore import status

CONTEXT = trove_context.TroveContext()


class InlineJobs:
    """Runs jobs where they are started."""

    def __init__(self):
        self.started = []

    def start(self, context, job_id, work):
        self.started.append(job_id)
        work()


@pytest.fixture
def datastore(tmp_path):
    return doubles.FullManager(doubles.make_conf(tmp_path), doubles.MemoryServices())


@pytest.fixture
def said(tmp_path, datastore):
    return status.Status(str(tmp_path / 'phase'), datastore.health)


@pytest.fixture
def renewed():
    return []


@pytest.fixture
def endpoint(datastore, said, renewed):
    return manager.Manager(datastore, said, InlineJobs(), renewed.append)


def test_every_call_of_the_door_is_answered_and_nothing_else():
    offered = {name for name in dir(manager.Manager) if getattr(getattr(manager.Manager, name), 'exposed', False)}
    asked = {name for name in dir(api.API) if not name.startswith('_')}
    assert asked == offered
    assert manager.Manager.target.version == api.VERSION


def test_prepare_is_a_job_that_leaves_a_prepared_database(endpoint, said):
    endpoint.prepare(CONTEXT, 'job', wire.pack(requests.PrepareRequest('1', 512, '', root_password='pw')))
    assert endpoint._jobs.started == ['job']
    assert said.is_prepared
    assert endpoint._datastore.root.calls == [('enable', 'pw')]


def test_another_key_is_taken_by_a_job(endpoint, renewed):
    request = requests.RekeyRequest(2, 'key')
    endpoint.rekey(CONTEXT, 'job', wire.pack(request))
    assert endpoint._jobs.started == ['job']
    assert renewed == [request]


def test_restart_is_a_job_during_which_it_says_so(endpoint, datastore, said):
    endpoint.prepare(CONTEXT, 'one', wire.pack(requests.PrepareRequest('1', 512, '')))
    seen = []
    restart = datastore.restart
    datastore.restart = lambda context: (seen.append(said.current()), restart(context))
    endpoint.restart(CONTEXT, 'two')
    assert seen == [states.RESTARTING]
    assert said.current() == states.HEALTHY


def test_stopped_engine_is_started_by_a_job_with_another_template(endpoint, datastore, said):
    endpoint.prepare(CONTEXT, 'one', wire.pack(requests.PrepareRequest('1', 512, 'memory=1\n', overrides={'a': 'b'})))
    endpoint.stop_db(CONTEXT, 'two')
    assert said.current() == states.SHUTDOWN
    endpoint.start_db_with_conf_changes(CONTEXT, 'three', wire.pack(requests.StartRequest('memory=2\n')))
    assert said.current() == states.HEALTHY
    assert endpoint._jobs.started == ['one', 'two', 'three']
    with open(datastore.app.config_file, encoding='utf-8') as stream:
        assert stream.read() == 'memory=2\na=b\n\naddress=127.0.0.9\n'


def test_growth_is_a_job(endpoint, datastore):
    datastore.volume = doubles.Recorder()
    endpoint.resize_fs(CONTEXT, 'job')
    assert datastore.volume.calls == [('grow',)]
    assert endpoint._jobs.started == ['job']


def test_rebuild_with_the_state_leaves_a_prepared_database(endpoint, said):
    endpoint.prepare(CONTEXT, 'one', wire.pack(requests.PrepareRequest('1', 512, 'memory=1\n')))
    endpoint.rebuild(CONTEXT, 'two', wire.pack(requests.RebuildRequest('2', 'memory=2\n')))
    assert said.current() == states.HEALTHY


def test_rebuild_without_the_state_is_shown_as_failed(endpoint, said):
    with pytest.raises(exception.GuestError):
        endpoint.rebuild(CONTEXT, 'job', wire.pack(requests.RebuildRequest('2', 'memory=2\n')))
    assert said.current() == states.FAILED


def test_expected_error_goes_to_the_caller_as_it_is(endpoint, datastore):
    datastore.users = doubles.Recorder(exception.UserNotFound(name='joe'))
    with pytest.raises(exception.UserNotFound):
        endpoint.list_access(CONTEXT, 'joe', '%')


def test_unexpected_error_loses_its_text(endpoint, datastore):
    datastore.users = doubles.Recorder(ValueError('canary'))
    with pytest.raises(exception.GuestError) as caught:
        endpoint.list_access(CONTEXT, 'joe', '%')
    assert 'ValueError' in str(caught.value)
    assert 'canary' not in str(caught.value)


USER = {'name': 'joe', 'host': '%'}


@pytest.mark.parametrize(
    'method, arguments, store, expected',
    [
        ('create_database', {'databases': [USER]}, 'databases', 'create'),
        ('delete_database', {'database': USER}, 'databases', 'delete'),
        ('list_databases', {'limit': 1}, 'databases', 'list_page'),
        ('create_user', {'users': [USER]}, 'users', 'create'),
        ('delete_user', {'user': USER}, 'users', 'delete'),
        ('get_user', {'username': 'joe', 'hostname': '%'}, 'users', 'get'),
        ('list_users', {}, 'users', 'list_page'),
        ('update_attributes', {'username': 'joe', 'hostname': '%', 'user_attrs': {}}, 'users', 'update'),
        ('change_passwords', {'users': [USER]}, 'users', 'change_passwords'),
        ('grant_access', {'username': 'joe', 'hostname': '%', 'databases': []}, 'users', 'grant'),
        ('revoke_access', {'username': 'joe', 'hostname': '%', 'database': 'db'}, 'users', 'revoke'),
        ('list_access', {'username': 'joe', 'hostname': '%'}, 'users', 'list_access'),
        ('enable_root', {}, 'root', 'enable'),
        ('disable_root', {}, 'root', 'disable'),
        ('is_root_enabled', {}, 'root', 'is_enabled'),
    ],
)
def test_call_reaches_the_datastore(endpoint, method, arguments, store, expected):
    getattr(endpoint, method)(CONTEXT, **arguments)
    assert [call[0] for call in getattr(endpoint._datastore, store).calls] == [expected]


def test_agent_answers_for_itself(endpoint):
    assert endpoint.rpc_ping(CONTEXT) is True
