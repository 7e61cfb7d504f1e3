"""Review what a seizure detector says about long EEG recordings.

Research use, not for diagnosis.
"""

__version__ = "0.1.0"
