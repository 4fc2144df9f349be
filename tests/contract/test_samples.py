"""The sample files say what the code says; ``make samples`` writes them anew."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
NAMES = ('trove.conf.sample', 'trove-guestagent.conf.sample', 'policy.yaml.sample')


@pytest.fixture(scope='module')
def fresh(tmp_path_factory):
    folder = tmp_path_factory.mktemp('samples')
    environment = {**os.environ, 'VENV': sys.prefix}
    subprocess.run([ROOT / 'tools' / 'generate-samples', folder], env=environment, check=True)
    return folder


@pytest.mark.parametrize('name', NAMES)
def test_the_sample_is_up_to_date(fresh, name):
    assert (ROOT / 'etc' / 'trove' / name).read_text() == (fresh / name).read_text()


@pytest.mark.parametrize('name', NAMES)
def test_the_sample_tells_nothing_of_the_machine_it_was_made_on(name):
    text = (ROOT / 'etc' / 'trove' / name).read_text()
    for secret in (str(ROOT), sys.prefix, os.uname().nodename):
        assert secret not in text
