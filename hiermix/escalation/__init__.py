"""Verdict -> next attempt: more careful sampling where a gate failed, then an end.

`loop` makes the attempts, `rules` says which comes next. What reads finished runs needs the
records only, so nothing else is imported here.
"""

from hiermix.escalation.record import Attempt

__all__ = ["Attempt"]
