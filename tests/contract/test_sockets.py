"""``trove-manage plugins`` as an operator runs it, and whether it tells of every socket that there is."""

import os
import subprocess
import sys

from tests.contract import test_house as house
from tests.fixtures import vendor
from trove.cmd import sockets


def test_each_group_of_ours_is_a_socket():
    declared = set(house.groups_of_ours()) | house.FILLED_BY_VENDORS
    assert {socket.group for socket in sockets.SOCKETS} == declared


def test_the_tool_itself(tmp_path):
    vendor.Site(tmp_path).install(modules={'acme_dead': 'raise SystemExit(7)'}, trove__dns={'acme': 'acme_dead:Dns'})
    done = subprocess.run(
        [sys.executable, '-m', 'trove.cmd.manage', 'plugins'],
        env={**os.environ, 'PYTHONPATH': str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert (done.returncode, done.stderr) == (1, '')
    assert 'acme_dead:Dns of acme-trove 1.2 cannot be imported (SystemExit: 7)' in done.stdout
    assert 'Designate' in done.stdout
