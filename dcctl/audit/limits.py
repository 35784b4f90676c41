"""Which keys of the policy each check goes by: what `explain` and the pages tell beside its words."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import Struct

from dcctl.audit.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator

_CHECKS: Final[dict[str, str]] = {
    "admission.default_level": "ADM-01",
    "admission.immutable_tags": "ADM-03",
    "admission.outside": "NET-01 NET-02 NET-03 NET-08 ADM-01 ADM-02 ADM-05 ADM-07",
    "admission.owner_labels": "ADM-07",
    "admission.registries": "ADM-04",
    "components.audit_log_days": "API-04",
    "components.audit_log_files": "API-04",
    "components.audit_log_megabytes": "API-04",
    "components.etcd_owners": "API-12",
    "components.kubelet_minors": "KUB-06",
    "components.request_timeout_s": "API-14",
    "components.terminated_pods": "API-13",
    "drift.accepted": "DRF-05",
    "drift.canaries": "DRF-01 DRF-02 DRF-03 DRF-04 DRF-05",
    "drift.rollout_share_milli": "DRF-01 DRF-02 DRF-03 DRF-04",
    "energy.battery_age_s": "ENE-03",
    "energy.battery_test_age_s": "ENE-03",
    "energy.coolant_mc": "ENE-05",
    "energy.idle_budget_wh": "ENE-04",
    "energy.idle_milli": "ENE-04",
    "energy.imbalance_milli": "ENE-02",
    "energy.inlet_mc": "ENE-05",
    "energy.load_milli": "ENE-02",
    "energy.meter_age_s": "ENE-01",
    "energy.ups_efficiency_milli": "ENE-03",
    "fabric.bandwidth_age_s": "FAB-06",
    "fabric.bandwidth_share_milli": "FAB-06",
    "fabric.flaps": "FAB-03",
    "fabric.growth": "FAB-02",
    "gpu.busy_milli": "GPU-09 GPU-10",
    "gpu.diagnostic_r2_s": "GPU-20",
    "gpu.diagnostic_r3_s": "GPU-20",
    "gpu.ecc_corrected_per_day": "GPU-03",
    "gpu.ecc_corrected_total": "GPU-03",
    "gpu.held_back_milli": "GPU-08",
    "gpu.least_peers": "GPU-09 FAB-01 FAB-06",
    "gpu.power_cap_slack_w": "GPU-16",
    "gpu.profiles": "GPU-01 GPU-12 GPU-16 GPU-17 GPU-19 FAB-01 FAB-04 FAB-05 FAB-06",
    "gpu.remapped_uncorrected": "GPU-05",
    "gpu.retired_pages": "GPU-18",
    "gpu.temperature_margin_c": "GPU-09",
    "gpu.temperature_outlier_c": "GPU-09",
    "gpu.xid_look_back_s": "GPU-06",
    "hosts.clock_offset_ns": "NOD-10",
    "hosts.clock_stratum": "NOD-10",
    "hosts.disk_used_milli": "NOD-18",
    "hosts.exposed_allowed": "NOD-12",
    "hosts.exposed_ports": "NOD-12",
    "hosts.fabric_acl": "NOD-11 NOD-12",
    "hosts.files_checked_age_s": "NOD-13",
    "hosts.list_age_s": "NOD-16",
    "hosts.maintenance_age_s": "NOD-23",
    "hosts.maintenance_taints": "NOD-23",
    "hosts.memory_short_milli": "NOD-19",
    "hosts.ports": "NOD-12",
    "hosts.reboot_age_s": "NOD-16",
    "hosts.ssh_allowlist": "NOD-04",
    "hosts.ssh_auth_tries": "NOD-04",
    "hosts.ssh_idle_s": "NOD-04",
    "hosts.ssh_key_age_s": "NOD-06",
    "hosts.ssh_keys": "NOD-06",
    "hosts.ssh_rsa_bits": "NOD-06",
    "hosts.ssh_weak": "NOD-03",
    "hosts.stuck_age_s": "NOD-21",
    "hosts.sudo_without_password": "NOD-07",
    "hosts.swap": "NOD-19",
    "hosts.sysctls": "NOD-14",
    "hosts.tuning": "NOD-20",
    "hosts.update_age_s": "NOD-16",
    "hosts.wear_milli": "NOD-18",
    "models.approved": "MOD-06",
    "models.imports": "MOD-01",
    "models.manifest": "MOD-05",
    "models.owners": "MOD-04",
    "models.wipe_record": "MOD-10",
    "network.approved": "NET-08",
    "network.exposed": "NET-05 NET-07",
    "network.retired": "NET-06",
    "own.unknown_most_milli": "SLF-02",
    "own.waiver_most_objects": "SLF-03",
    "pods.exempt": (
        "POD-01 POD-02 POD-03 POD-04 POD-05 POD-06 POD-07 POD-08 POD-09 "
        "POD-10 POD-11 POD-12 POD-13 POD-14 POD-15 POD-16 POD-19"
    ),
    "pods.host_paths": "POD-09",
    "pods.seccomp_default": "POD-11",
    "pods.sysctls": "POD-16",
    "rights.break_glass": "RBAC-07",
    "rights.system_namespaces": "NET-01 NET-02 NET-03 NET-08 ADM-01 ADM-02 ADM-03 ADM-04 ADM-05 ADM-07",
    "rights.trusted": (
        "RBAC-01 RBAC-02 RBAC-03 RBAC-04 RBAC-08 RBAC-09 RBAC-10 RBAC-11 RBAC-12 RBAC-13 RBAC-14 RBAC-16"
    ),
    "secrets.certificate_days": "SEC-03",
    "secrets.certificate_days_critical": "SEC-03",
    "secrets.encrypted_classes": "SEC-04",
    "secrets.pull_namespaces": "SEC-05",
    "secrets.token_days": "SEC-02",
    "storage.copies": "STO-07",
    "storage.drill_age_s": "STO-05",
    "storage.etcd_age_s": "STO-06",
    "storage.off_site_declared": "STO-04",
    "storage.rpo_s": "STO-01",
    "storage.scratch_stores": "STO-07",
    "storage.shrunk_milli": "STO-02",
    "storage.unused_s": "STO-08",
    "storage.used_milli": "STO-07",
}
"""By key of the policy, the checks that go by it."""
_USUAL: Final = Policy()
_MOST: Final = 12
"""Of a longer list, the first three are shown."""


class Limit(NamedTuple):
    """A key of the policy that a check goes by."""

    key: str
    """`audit.hosts.clock_offset_ns`."""
    usual: object
    """What holds where the site says nothing."""


def limits_of(check: str) -> Iterator[Limit]:
    """Yield what a check goes by, in the order of their names."""
    for key, checks in _CHECKS.items():
        if check in checks.split():
            topic, _, name = key.partition(".")
            yield Limit(f"audit.{key}", getattr(getattr(_USUAL, topic), name))


def shown(value: object) -> str:
    """Return a value of the policy as TOML has it; a long list in short."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | date):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        inner = [shown(one) for one in value]
        more = f", … {len(inner)} in all" if len(inner) > _MOST else ""
        return f"[{', '.join(inner[: 3 if more else _MOST])}{more}]"
    if isinstance(value, Struct):
        value = {name: getattr(value, name) for name in value.__struct_fields__}
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {shown(one)}' for key, one in value.items()) + "}"
    return str(value)
