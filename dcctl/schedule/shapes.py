"""The shapes of all reports of `schedule`."""

from dcctl.schedule.plan_report import PLAN

SHAPES = (PLAN,)
