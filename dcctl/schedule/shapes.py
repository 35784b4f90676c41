"""The shapes of all reports of `schedule`."""

from dcctl.schedule.plan_report import PLAN
from dcctl.schedule.shares_report import SHARES

SHAPES = (PLAN, SHARES)
