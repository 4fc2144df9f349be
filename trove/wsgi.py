"""The API for WSGI servers: ``trove.wsgi:application``. Its import is the start of the API in a process."""

import os

from trove.cmd import wsgi

application = wsgi.start(os.environ)
