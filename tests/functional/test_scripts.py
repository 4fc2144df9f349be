"""Runs the request scripts: each file of ``scripts`` is a list of steps, one request each.

A step has ``request`` ("GET /instances": below the caller's project; "GET root:/" is below the
root), and may have ``as`` (user; "nobody" sends no credentials), ``body``, ``headers``, and what
is expected: ``status``, ``answer`` (what must be in the answer; "<any>" stands for anything,
lists must be of the same length), ``lacks`` (keys that must not be there), ``fault`` and
``says`` (name of the fault and part of its message), ``selects`` (at most so many SELECTs) and
``has_headers``. ``{name}`` in all of them stands for an id of the seed or for what a step before
has put aside by ``save: {name: path.in.the.answer}``.
"""

import pathlib
import re

import pytest
import yaml

from tests.fixtures import api as api_fixture

SCRIPTS = sorted((pathlib.Path(__file__).parent / 'scripts').glob('*.yaml'))
KEYS = {
    'request', 'as', 'body', 'headers', 'status', 'answer', 'lacks', 'fault', 'says', 'selects', 'has_headers', 'save',
    'why',
}  # fmt: skip


@pytest.mark.parametrize('path', SCRIPTS, ids=lambda path: path.stem)
def test_script(api, path):
    names = dict(api_fixture.IDS)
    for number, step in enumerate(yaml.safe_load(path.read_text()), start=1):
        assert set(step) <= KEYS, f'step {number} has keys that nobody reads'
        where = f'{path.name}, step {number}: {step["request"]}'
        response = send(api, fill(step, names))
        check(api, response, fill(step, names), where)
        for name, place in step.get('save', {}).items():
            names[name] = find(response.json, place)


def send(api, step):
    method, path = step['request'].split(' ', 1)
    user = step.get('as', 'demo')
    if path.startswith('root:'):
        path = path.removeprefix('root:')
    else:
        account = api_fixture.ACCOUNTS.get(user, api_fixture.ACCOUNTS['demo'])
        path = f'/v1.0/{account["project_id"]}{path}'
    body = step.get('body')
    raw = body.encode() if isinstance(body, str) else body
    return api.request(method, path, None if user == 'nobody' else user, raw, step.get('headers'))


def test_a_guest_that_does_not_answer_is_told(api):
    api.conf.set_override('agent_call_low_timeout', 1)
    try:
        path = f'/v1.0/{api_fixture.ADMIN_PROJECT}/mgmt/instances/{api_fixture.IDS["silent"]}/rpc_ping'
        response = api.request('GET', path, 'admin')
    finally:
        api.conf.clear_override('agent_call_low_timeout')
    assert (response.status_int, list(response.json)) == (400, ['badRequest'])


def check(api, response, step, where):
    shown = f'{where} answered {response.status} {response.text[:2000]}'
    assert response.status_int == step.get('status', 200), shown
    if 'fault' in step:
        assert list(response.json) == [step['fault']], shown
        assert response.json[step['fault']]['code'] == response.status_int, shown
    if 'says' in step:
        assert step['says'] in response.text, shown
    if 'answer' in step:
        assert contains(response.json if response.text else None, step['answer']), shown
    for place in step.get('lacks', ()):
        assert not has(response.json, place), shown
    if 'selects' in step:
        assert api.count_selects() <= step['selects'], f'{where} sent {api.statements}'
    for name, value in step.get('has_headers', {}).items():
        assert re.fullmatch(value, response.headers.get(name, '')), f'{where}: {response.headers}'


def contains(found, wanted):
    """Return whether everything wanted is in what was found."""
    if wanted == '<any>':
        return True
    if isinstance(wanted, dict):
        return isinstance(found, dict) and all(key in found and contains(found[key], wanted[key]) for key in wanted)
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(contains, found, wanted))
    return type(found) is type(wanted) and found == wanted


def find(value, place):
    for part in place.split('.'):
        value = value[int(part)] if part.isdigit() else value[part]
    return value


def has(value, place):
    try:
        find(value, place)
    except (KeyError, IndexError):
        return False
    return True


def fill(value, names):
    """Return the value with ``{name}`` replaced."""
    if isinstance(value, dict):
        return {fill(key, names): fill(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, names) for item in value]
    if isinstance(value, str):
        return re.sub(r'\{(\w+)\}', lambda match: str(names.get(match[1], match[0])), value)
    return value
