"""How much the conclusions of a run hang on its priors."""

from hiermix.studies.sensitivity.study import Asked, Sensitivity, sensitivity_of

__all__ = ["Asked", "Sensitivity", "sensitivity_of"]
