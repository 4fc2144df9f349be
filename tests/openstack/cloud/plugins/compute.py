"""nova-compute that finds our driver: Nova loads ``nova.virt.<compute_driver>`` and nothing else."""

import os
import sys

# First of all: this import decides how Nova runs its threads.
from nova.cmd import compute  # isort: skip
import nova.virt

nova.virt.__path__.append(os.path.dirname(os.path.abspath(__file__)))
sys.argv[0] = 'nova-compute'
sys.exit(compute.main())
