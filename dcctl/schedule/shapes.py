"""The shapes of all reports of `schedule`."""

from dcctl.schedule.applied import SHAPES as APPLIED
from dcctl.schedule.dag_report import DAG
from dcctl.schedule.defrag_report import DEFRAG
from dcctl.schedule.explain_report import EXPLAIN
from dcctl.schedule.plan_report import PLAN
from dcctl.schedule.shares_report import SHARES
from dcctl.schedule.status_report import STATUS
from dcctl.schedule.whatif_report import SINGLE, WHATIF

SHAPES = (PLAN, EXPLAIN, WHATIF, SINGLE, DEFRAG, SHARES, DAG, STATUS, *APPLIED)
