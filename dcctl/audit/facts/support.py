"""Until when systems get security updates from their makers without a contract, in Unix time (UTC midnight).

As their makers tell: wiki.debian.org/LTS, ubuntu.com/about/release-cycle, access.redhat.com/support/policy,
wiki.rockylinux.org, wiki.almalinux.org; not looked up again for this table. A release that is not here is
not judged.
"""

from __future__ import annotations

from typing import Final

ENDS_S: Final[dict[str, int]] = {
    "debian 10": 1_719_705_600,  # 2024-06-30, LTS
    "debian 11": 1_788_134_400,  # 2026-08-31, LTS
    "debian 12": 1_845_936_000,  # 2028-06-30, LTS
    "ubuntu 18.04": 1_685_491_200,  # 2023-05-31
    "ubuntu 20.04": 1_748_649_600,  # 2025-05-31
    "ubuntu 22.04": 1_806_451_200,  # 2027-03-31; the month is what its maker tells
    "ubuntu 24.04": 1_872_201_600,  # 2029-04-30; the month is what its maker tells
    "centos 7": 1_719_705_600,  # 2024-06-30
    "centos 8": 1_640_908_800,  # 2021-12-31
    "rhel 7": 1_719_705_600,
    "rhel 8": 1_874_880_000,  # 2029-05-31
    "rhel 9": 1_969_574_400,  # 2032-05-31
    "rocky 8": 1_874_880_000,
    "rocky 9": 1_969_574_400,
    "almalinux 8": 1_867_017_600,  # 2029-03-01
    "almalinux 9": 1_969_574_400,
}


def ends_s(system: str) -> int | None:
    """Return until when a system as `rhel 9.4` is kept; None: it is not known here."""
    name, _, version = system.partition(" ")
    return ENDS_S.get(system, ENDS_S.get(f"{name} {version.partition('.')[0]}"))
