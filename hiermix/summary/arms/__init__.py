"""Effects of two arms per level, from the draws of a fit."""
