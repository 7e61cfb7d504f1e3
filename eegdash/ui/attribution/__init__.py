"""The page Attribution: maps of evidence side by side, each beside the tests of itself."""
