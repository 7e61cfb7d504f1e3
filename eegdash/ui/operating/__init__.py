"""The operating-point component: its code, its routes, and what it is told."""
