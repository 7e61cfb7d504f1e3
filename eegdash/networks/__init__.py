"""Networks: one architecture per file, found by name in :data:`NETWORKS`.

The contract, which ``tests/contracts/test_networks.py`` runs over the table:

- ``input_shape`` gives the shape of the features of one segment; ``dimension`` that of its code.
- ``encode(features (n, *input_shape)) -> (n, dimension)``, ``head((n, 3, dimension)) -> (n,)``
  and ``forward((n, 3, *input_shape)) -> (n,)``, the logits of "seizure".
- A network may judge by the background of the recording. Then ``n_levels`` tells how many of the
  last values of a code are levels, ``levels(features)`` gives them alone (n, n_levels),
  ``background(levels (n_segments, n_levels)) -> (n_levels,)`` makes a recording's background of
  those of its segments, and ``head(codes, background)`` and ``forward(windows, background)`` take
  it as an optional second argument, for all windows or one by one (n, n_levels). Without it they
  take the usual one, as for a recording of which nothing else is known.
- ``layers`` names the modules whose activations may be looked at; ``cam_layer`` is the last
  convolution.
- ``parameters_dict()`` gives the constructor's arguments, as JSON values.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eegdash.errors import CheckpointError

if TYPE_CHECKING:
    from torch import nn

NETWORKS: dict[str, str] = {
    "spectrogram-cnn-lstm": "eegdash.networks.spectrogram_cnn_lstm:SpectrogramCnnLstm",
    "shallow-cnn": "eegdash.networks.shallow_cnn:ShallowCnn",
}
"""Name of a shipped architecture -> ``module:Class``, imported when it is needed."""


def network_class(architecture: str, *, trusted_packages: Sequence[str] = ()) -> type[nn.Module]:
    """Return the class of an architecture.

    Parameters
    ----------
    architecture : str
        A name of :data:`NETWORKS`, or ``package.module:Class`` of a user's own package.
    trusted_packages : sequence of str
        Top packages that may be imported. Importing runs code, so nothing else is.

    Raises
    ------
    CheckpointError
        If the name is unknown, the package is not trusted, or the class cannot be imported.
    """
    target = NETWORKS.get(architecture)
    if target is None:
        module_name, colon, class_name = architecture.partition(":")
        package = module_name.partition(".")[0]
        if not colon or not class_name or not package:
            raise CheckpointError(
                f'The architecture "{architecture}" is not known. Expected one of '
                f"{', '.join(NETWORKS)}, or package.module:Class."
            )
        if package not in trusted_packages:
            raise CheckpointError(
                f'The architecture "{architecture}" comes from the package "{package}", which is '
                "not trusted. If you trust it, add its name to EEGDASH_TRUSTED_PACKAGES."
            )
        target = architecture
    module_name, _, class_name = target.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module_name), class_name)
    except (ImportError, AttributeError) as error:
        raise CheckpointError(
            f'The architecture "{architecture}" could not be imported: {error}. '
            "Install its package, or correct the name in config.json."
        ) from error
    return _checked_class(architecture, found)


def _checked_class(architecture: str, found: Any) -> type[nn.Module]:
    from torch import nn

    if not (isinstance(found, type) and issubclass(found, nn.Module)):
        raise CheckpointError(
            f'The architecture "{architecture}" is not a torch.nn.Module class. '
            "Correct the name in config.json."
        )
    return found
