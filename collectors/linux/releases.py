"""Until when the vendors give security updates for the releases of Linux distributions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CHECKED_ON: Final = "2026-11-24"
"""The day this table was last compared with its sources."""

SUPPORTED_UNTIL: Final[Mapping[str, Mapping[str, str]]] = {
    # distro-info-data, debian.csv: end of long-term support, which is part of Debian
    "debian": {
        "9": "2022-06-30",
        "10": "2024-06-30",
        "11": "2026-08-31",
        "12": "2028-06-30",
        "13": "2030-06-30",
    },
    # distro-info-data, ubuntu.csv: end of standard support; Expanded Security Maintenance is not
    # in it, because it needs a subscription that the release does not tell
    "ubuntu": {
        "16.04": "2021-04-30",
        "18.04": "2023-05-31",
        "20.04": "2025-05-29",
        "22.04": "2027-06-01",
        "24.04": "2029-05-31",
        "24.10": "2025-07-10",
        "25.04": "2026-01-15",
        "25.10": "2026-07-09",
        "26.04": "2031-05-29",
    },
    # access.redhat.com/support/policy/updates/errata: end of maintenance support
    "rhel": {
        "6": "2020-11-30",
        "7": "2024-06-30",
        "8": "2029-05-31",
        "9": "2032-05-31",
        "10": "2035-05-31",
    },
    # wiki.rockylinux.org/rocky/version
    "rocky": {"8": "2029-05-31", "9": "2032-05-31", "10": "2035-05-31"},
    # wiki.almalinux.org/release-notes
    "almalinux": {"8": "2029-03-01", "9": "2032-05-31", "10": "2035-05-31"},
    # centos.org: CentOS Linux 7 and 8; Stream 8 and 9
    "centos": {"7": "2024-06-30", "8": "2024-05-31", "9": "2027-05-31"},
    # aws.amazon.com/amazon-linux-2/faqs; Amazon Linux 2023 states its own SUPPORT_END
    "amzn": {"2": "2026-06-30", "2023": "2029-06-30"},
    # suse.com/lifecycle: end of general support of the service pack
    "sles": {
        "12.5": "2024-10-31",
        "15.3": "2022-12-31",
        "15.4": "2023-12-31",
        "15.5": "2024-12-31",
        "15.6": "2025-12-31",
        "15.7": "2031-07-31",
    },
}
"""The last day of security updates without a further contract, by `ID` and `VERSION_ID`."""


def supported_until(release: Mapping[str, str]) -> str | None:
    """The last day of support of a release, from its os-release; None where nobody tells.

    Its own `SUPPORT_END` comes first (os-release(5)); a minor version counts as its major one
    where only that is listed.
    """
    if own := release.get("SUPPORT_END"):
        return own
    versions = SUPPORTED_UNTIL.get(release.get("ID", ""), {})
    version = release.get("VERSION_ID", "")
    return versions.get(version) or versions.get(version.partition(".")[0])
