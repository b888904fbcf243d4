"""Interventions: what the optimizer may do to the selected weights, changed while a training is recorded.

`intervention_settings` says what was asked for and needs the standard library alone; `intervener` carries it out.
"""

from recorders.intervention.intervention_settings import Intervention

__all__ = ["Intervention"]
