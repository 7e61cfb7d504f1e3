"""Inside a detector: what its units answer to, and what happens without them.

Modules: :mod:`.layers` (which units there are), :mod:`.activations` (their answers, on disk),
:mod:`.separation`, :mod:`.sparsity` and :mod:`.redundancy` (how a layer represents the classes),
:mod:`.units` and :mod:`.stimuli` (what a unit answers to), :mod:`.ensembles` (groups of units),
:mod:`.silencing` (the causal test), :mod:`.perturbation` and :mod:`.descriptors` (what of the
input matters). A network that was altered is never the model: its results say "altered model".
"""
