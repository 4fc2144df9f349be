"""The API's server ends gracefully. It runs in a process of its own, because its threads are patched."""

import subprocess
import sys

PROGRAM = """
from trove.cmd import patch, web
import threading, urllib.request
from oslo_config import cfg

conf = cfg.ConfigOpts()
conf.register_opts(web.OPTS + [cfg.HostAddressOpt("bind_host"), cfg.PortOpt("bind_port")])
conf([])
conf.set_override('bind_host', '127.0.0.1')
conf.set_override('bind_port', 0)
is_running, may_end = threading.Event(), threading.Event()

def application(environ, start_response):
    is_running.set()
    may_end.wait(30)
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'answered']

answers = []
socket = web.listen(conf)
server = web.WebServer(socket, application, conf)
server.start()
url = 'http://127.0.0.1:%d/' % socket.getsockname()[1]
request = threading.Thread(target=lambda: answers.append(urllib.request.urlopen(url).read()))
request.start()
is_running.wait(30)
stopping = threading.Thread(target=server.stop)
stopping.start()
stopping.join(0.2)
assert stopping.is_alive(), 'the server did not wait for the request'
may_end.set()
stopping.join(30)
request.join(30)
print(answers)
"""


def test_a_request_that_runs_is_answered_before_the_server_ends() -> None:
    done = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', PROGRAM], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip() == "[b'answered']", done.stderr
