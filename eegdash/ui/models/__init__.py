"""The page of the detectors: what they are, teaching one, comparing two."""
