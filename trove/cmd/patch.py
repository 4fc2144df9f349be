"""Makes a server daemon run on eventlet. To be imported before anything else."""

import warnings

# It says at each start that it is old, which is no news to whoever reads a daemon's log.
warnings.filterwarnings('ignore', message='(?s).*Eventlet is deprecated')

import eventlet

eventlet.monkey_patch()
