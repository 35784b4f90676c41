"""The shapes of all reports of `schedule`."""

from dcctl.schedule.explain_report import EXPLAIN
from dcctl.schedule.plan_report import PLAN

SHAPES = (PLAN, EXPLAIN)
