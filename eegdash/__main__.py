"""``python -m eegdash``."""

import sys

from eegdash.cli import main

sys.exit(main())
