"""Design -> plan: the model described, with every prior as numbers."""

from hiermix.model.build import plan_model
from hiermix.model.plan import Centring, ModelPlan, Parameter

__all__ = ["Centring", "ModelPlan", "Parameter", "plan_model"]
