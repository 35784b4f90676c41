"""The form of what `dcctl drain` answers before it acts."""

from __future__ import annotations

from typing import Final

from dcctl.drain.campaign import Campaign
from dcctl.render.report import Column, Shape

WAVES: Final = (
    Column("wave", "WAVE", "count", keep=9),
    Column("nodes", "NODES", "nodes", keep=9),
    Column("before", "BEFORE", keep=8),
    Column("to", "WORK GOES TO", keep=8),
    Column("lost_gpu_ms", "LOST", "gpu_ms", keep=7),
    Column("start_s", "START", "time_s", keep=6),
    Column("end_s", "END", "time_s", wide=True),
    Column("fits", "FITS", "state", wide=True),
    Column("workloads", "WORKLOADS", "count", wide=True),
    Column("pods", "PODS", "count", wide=True),
    Column("gpu_milli", "GPUS", "milli", wide=True),
    Column("restarts", "RESTARTS", "count", wide=True),
    Column("rounds", "ROUNDS", "count", wide=True),
)
WORKLOADS: Final = (
    Column("workload", "WORKLOAD", keep=9),
    Column("wave", "WAVE", "count", keep=8),
    Column("kind", "KIND", keep=4),
    Column("gang", "GANG", keep=3),
    Column("pods", "PODS", "count", keep=7),
    Column("gpu_milli", "GPUS", "milli", keep=7),
    Column("from", "FROM", "nodes", keep=6),
    Column("to", "TO", "nodes", keep=8),
    Column("fits", "FITS", "state", keep=8),
    Column("restarts", "RESTARTS", "count", keep=7),
    Column("lost_gpu_ms", "LOST", "gpu_ms", keep=7),
    Column("before", "BEFORE", keep=6),
)
FINDINGS: Final = (
    Column("blocks", "BLOCKS", keep=9),
    Column("why", "WHY", keep=7),
    Column("subject", "ABOUT", keep=9),
    Column("says", "WHAT STANDS IN THE WAY", keep=8),
    Column("nodes", "NODES", "nodes", keep=5),
    Column("cure", "WHAT REMOVES IT", keep=7),
    Column("more", "WHY EACH NODE REFUSES IT", keep=4),
)
RELIEFS: Final = (
    Column("workload", "WORKLOAD", keep=9),
    Column("says", "THE LEAST THAT MAKES IT FIT", keep=9),
    Column("workloads", "WITHOUT", keep=6),
    Column("nodes", "NODES", "nodes", keep=6),
    Column("command", "TRY", keep=7),
)
STAYS: Final = (
    Column("why", "WHY", "state", keep=9),
    Column("pods", "PODS", "count", keep=9),
    Column("nodes", "NODES", "nodes", keep=8),
)
SUMMARY: Final = (
    Column("verdict", "whether the work that is displaced finds room elsewhere"),
    Column("blocked", "findings that have to be decided before anything begins", "count"),
    Column("nodes", "nodes that are taken out of service", "count"),
    Column("boards", "accelerators that alone are, while their node stays in service", "nodes"),
    Column("waves", "waves in which they are", "count"),
    Column("workloads", "workloads that are moved, or waited for", "count"),
    Column("pods", "pods that leave", "count"),
    Column("stays", "pods that stay, or go with their node", "count"),
    Column("gpu_milli", "accelerators of all members that stop, in thousandths", "milli"),
    Column("gangs", "gangs that are touched", "count"),
    Column("gang_restarts", "how often gangs start again, in all", "count"),
    Column("restarts", "how often workloads start again, in all", "count"),
    Column("lost_gpu_ms", "what is computed anew: from the last checkpoints", "gpu_ms"),
    Column("budgets_broken", "disruption budgets that are broken, as was allowed", "nodes"),
    Column("made_at_s", "when it was planned", "time_s"),
    Column("start_s", "when the first wave begins", "time_s"),
    Column("end_s", "when the last wave has ended", "time_s"),
    Column("deadline_s", "when it has to have ended", "time_s"),
    Column("max_unavailable", "nodes that are out of service at once, at most", "count"),
    Column("serial_restarts", "how often workloads would start again, drained node by node", "count"),
    Column("serial_lost_gpu_ms", "what would be computed anew, drained node by node", "gpu_ms"),
    Column("serial_stuck", "nodes that would stay cordoned with nothing moved", "nodes"),
    Column("serial_held", "nodes that would never be empty, since PDBs keep pods there", "nodes"),
    Column("clusters", "UIDs of kube-system of the clusters that the plan was made for", "nodes"),
)
PLAN: Final = Shape(
    "drain-plan",
    "How nodes come out of service. `campaign` is the plan itself: what is printed is what is carried out, "
    "but for words of hooks that look like secrets: `…` stands for those.",
    WAVES,
    (("workloads", WORKLOADS), ("findings", FINDINGS), ("reliefs", RELIEFS), ("stays", STAYS)),
    SUMMARY,
    (("waves", "time_s"),),
    data=("campaign", Campaign),
)
RETURNED: Final = (
    Column("node", "NODE", "nodes", keep=9),
    Column("state", "STATE", "state", keep=9),
    Column("says", "WHY", keep=8),
    Column("run", "RUN", keep=5),
    Column("reason", "REASON", keep=4),
)
RETURN: Final = Shape(
    "drain-return",
    "Which nodes are back in service, and why the others are not.",
    RETURNED,
    summary=(
        Column("returned", "nodes that are back in service, or would be", "count"),
        Column("kept", "nodes that stay out of service", "count"),
        Column("unknown", "of those, nodes whose health nobody could tell", "count"),
        Column("run", "the run that returned them; empty: nothing was changed"),
        Column("journal", "its journal; empty: nothing was changed"),
    ),
)
RIGHTS: Final = Shape(
    "drain-rbac",
    "The smallest ClusterRole that drains, as YAML text in `documents`.",
    (),
    document_format="yaml",
)
SHAPES: Final = (PLAN, RETURN, RIGHTS)
