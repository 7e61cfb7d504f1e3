"""``python -m eegdash``."""

import os
import sys

# Read when torch is imported. Its threads wait for each other asleep, not spinning: beside other
# work on the cores, spinning was measured to cost five times the processor time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from eegdash.cli import main

sys.exit(main())
