"""Makes a process run on real threads. To be imported before anything else."""

import sys

# The bus library would load eventlet, which a process on real threads has no use
# for and which costs tens of megabytes.
sys.modules.setdefault('eventlet', None)  # type: ignore[arg-type]

from oslo_service import backend

backend.init_backend(backend.BackendType.THREADING)
