"""dcctl's own form: documents of `kind: Jobs` with jobs, elastic models and what there is to share out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dcctl.inventory.sources.jobs import graph
from dcctl.inventory.sources.jobs.job import MAX_MEMBERS, Read, job
from dcctl.inventory.sources.jobs.models import elastic, quota, supply

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dcctl.inventory.asked import Elastic, Supply
    from dcctl.inventory.model import Quota
    from dcctl.inventory.sources.jobs.cursor import Cursor

KIND, VERSION = "Jobs", "dcctl/v1"
ASKING = ("jobs", "models", "supply", "quotas")
"""What a document may have; any of them is enough."""
KEYS = ("kind", "apiVersion", *ASKING)


class Form:
    """What the documents of this form say so far."""

    def __init__(self) -> None:
        self.jobs: dict[str, Read] = {}
        self.models: dict[str, Elastic] = {}
        self.supply: Supply | None = None
        self.quotas: dict[str, Quota] = {}
        self._members = 0

    def add(self, document: Cursor, source: str) -> None:
        """Read a document. UsageError with the place of what is wrong, or is there a second time."""
        keys = document.fields(KEYS)
        if not keys.keys() & {*ASKING}:
            raise document.error("asks for nothing: it has neither `jobs`, `models`, `supply` nor `quotas`")
        for item in keys["jobs"].items() if "jobs" in keys else ():
            self._add_job(job(item, source))
        for item in keys["models"].items() if "models" in keys else ():
            one = elastic(item)
            if one.name in self.models:
                raise item.error(f"another model is called {one.name}")
            self.models[one.name] = one
        if "supply" in keys:
            if self.supply is not None:
                raise keys["supply"].error("the supply is said a second time")
            self.supply = supply(keys["supply"])
        for owner, given in keys["quotas"].entries().items() if "quotas" in keys else ():
            if owner in self.quotas:
                raise given.error(f"the quota of {owner} is said a second time")
            self.quotas[owner] = quota(owner, given, source)

    def check(self, others: Iterable[str]) -> None:
        """Raise UsageError for an order of jobs that cannot be. `others`: ids of work in other forms."""
        graph.check(self.jobs.values(), others)

    def _add_job(self, read: Read) -> None:
        before = self.jobs.get(read.workload.id)
        if before is not None:
            raise read.at.error(f"another job of this name is at {before.at.place}")
        self._members += len(read.workload.members)
        if self._members > MAX_MEMBERS:
            raise read.at.error(f"with this job there are more than {MAX_MEMBERS:,} members")
        self.jobs[read.workload.id] = read
