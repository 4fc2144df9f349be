"""Secrets at rest."""

import pathlib
import stat

import pytest

from trove.common import crypto, exception


@pytest.fixture
def path(tmp_path: pathlib.Path) -> str:
    return str(tmp_path / 'secrets.key')


def test_there_and_back(path: str) -> None:
    crypto.make_key_file(path)
    sealer = crypto.Sealer.from_file(path)
    sealed = sealer.seal({'password': 'canary'})
    assert 'canary' not in sealed
    assert sealer.open(sealed) == {'password': 'canary'}


def test_the_key_is_private_and_stays(path: str) -> None:
    crypto.make_key_file(path)
    before = pathlib.Path(path).read_bytes()
    crypto.make_key_file(path)
    assert pathlib.Path(path).read_bytes() == before
    assert stat.S_IMODE(pathlib.Path(path).stat().st_mode) == 0o600


def test_another_key_opens_nothing(path: str) -> None:
    crypto.make_key_file(path)
    crypto.make_key_file(path + '2')
    sealed = crypto.Sealer.from_file(path).seal('canary')
    with pytest.raises(exception.ServerError):
        crypto.Sealer.from_file(path + '2').open(sealed)


def test_a_new_first_key_leaves_the_old_one_working(path: str) -> None:
    crypto.make_key_file(path)
    sealed = crypto.Sealer.from_file(path).seal('canary')
    crypto.make_key_file(path + '2')
    both = pathlib.Path(path + '2').read_bytes() + pathlib.Path(path).read_bytes()
    pathlib.Path(path).write_bytes(both)
    assert crypto.Sealer.from_file(path).open(sealed) == 'canary'


@pytest.mark.parametrize('content', [None, b'no key'])
def test_a_bad_file_is_told_with_the_command_that_makes_one(path: str, content: bytes | None) -> None:
    if content is not None:
        pathlib.Path(path).write_bytes(content)
    with pytest.raises(exception.ConfigurationError, match='make_secrets_key'):
        crypto.Sealer.from_file(path)
