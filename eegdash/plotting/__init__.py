"""From data to what is drawn: binary tiles of the viewer, and figures."""
