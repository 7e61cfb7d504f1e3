"""The page "Inside the detector": one module for each of its views."""
