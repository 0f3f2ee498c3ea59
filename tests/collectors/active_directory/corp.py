"""A believable domain: some hundred people, services, computers, groups, a trust."""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID

from collectors.active_directory.pki import ENROL
from collectors.testing import NOW
from tests.collectors.active_directory.directory import Directory, identifier

BASE = "DC=corp,DC=example"
CONFIGURATION = f"CN=Configuration,{BASE}"
SERVICES = f"CN=Public Key Services,CN=Services,{CONFIGURATION}"
SYSTEM = f"CN=System,{BASE}"
DOMAIN = "S-1-5-21-1004336348-1177238915-682003330"
PEOPLE = 745
AES = "24"


def ticks(at: datetime) -> str:
    """A time as a directory counts it."""
    return str((at - datetime(1601, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 10)


def ago(days: int) -> str:
    return ticks(NOW - timedelta(days=days))


def grant(who: str, mask: int, of: UUID | None = None, *, flags: int = 0) -> bytes:
    """One entry of an access list ([MS-DTYP] 2.4.4)."""
    sid = identifier(who)
    if of is None:
        return struct.pack("<BBHI", 0, flags, 8 + len(sid), mask) + sid
    body = struct.pack("<I", 1) + of.bytes_le + sid
    return struct.pack("<BBHI", 5, flags, 8 + len(body), mask) + body


def descriptor(*entries: bytes) -> bytes:
    """A security descriptor with these grants and nothing else."""
    body = b"".join(entries)
    acl = struct.pack("<BBHHH", 4, 0, 8 + len(body), len(entries), 0) + body
    return struct.pack("<BBHIIII", 1, 0, 0x8004, 0, 0, 0, 20) + acl


FULL = descriptor(grant("S-1-5-18", 0xF01FF), grant(f"{DOMAIN}-512", 0xF01FF))


def corp() -> Directory:
    """The domain as it is when nothing is wrong with the server."""
    made = Directory(page=300)  # a controller may give less than it is asked for
    made.add(
        "",
        defaultNamingContext=BASE,
        configurationNamingContext=CONFIGURATION,
        dnsHostName="dc1.corp.example",
        domainFunctionality="7",
        forestFunctionality="7",
        domainControllerFunctionality="7",
    )
    made.add(
        BASE,
        objectSid=identifier(DOMAIN),
        minPwdLength="14",
        pwdHistoryLength="24",
        pwdProperties="1",
        maxPwdAge="-315360000000000",
        lockoutThreshold="5",
        lockoutDuration="-9000000000",
        ms_DS_MachineAccountQuota="0",
        msDS_Behavior_Version="7",
        msDS_ReplAttributeMetaData=(
            "<DS_REPL_ATTR_META_DATA><pszAttributeName>dSASignature</pszAttributeName>"
            f"<ftimeLastOriginatingChange>{NOW - timedelta(days=2):%Y-%m-%dT%H:%M:%SZ}"
            "</ftimeLastOriginatingChange></DS_REPL_ATTR_META_DATA>\n\0"
        ),
        nTSecurityDescriptor=FULL,
    )
    made.add(SYSTEM, cn="System")
    made.add(f"CN=AdminSDHolder,{SYSTEM}", cn="AdminSDHolder", nTSecurityDescriptor=FULL)
    made.add(f"CN=Password Settings Container,{SYSTEM}", cn="Password Settings Container")
    made.add(
        f"CN=Partitions,{CONFIGURATION}",
        cn="Partitions",
        msDS_EnabledFeature=f"CN=Recycle Bin Feature,CN=Optional Features,{CONFIGURATION}",
    )
    _people(made)
    _computers(made)
    _groups(made)
    _templates(made)
    made.add(
        f"CN=partner.example,{SYSTEM}",
        objectClass="trustedDomain",
        trustPartner="partner.example",
        trustDirection="3",
        trustType="2",
        trustAttributes="8",
    )
    return made


def few(made: Directory) -> None:
    """Leave twenty of its people."""
    for number in range(20, PEOPLE):
        del made.entries[f"CN=person{number:04},CN=Users,{BASE}"]


def user(
    made: Directory, name: str, rid: int, *, flags: int = 0x200, **more: str | list[str]
) -> None:
    """Add an account that signed in last week, and what makes it special."""
    attributes: dict[str, str | bytes | list[str]] = {
        "objectClass": ["top", "person", "organizationalPerson", "user"],
        "objectCategory": "person",
        "sAMAccountName": name,
        "objectSid": identifier(f"{DOMAIN}-{rid}"),
        "userAccountControl": str(flags),
        "lastLogonTimestamp": ago(7),
        "pwdLastSet": ago(100),
        "whenCreated": "20240301080000.0Z",
        "primaryGroupID": "513",
        "mail": f"{name}@corp.example",
        "telephoneNumber": "+49 30 0000000",
    }
    made.add(f"CN={name},CN=Users,{BASE}", **(attributes | more))


def _people(made: Directory) -> None:
    for number in range(PEOPLE):
        user(made, f"person{number:04}", 2000 + number)
    user(made, "krbtgt", 502, flags=0x202, pwdLastSet=ago(90), servicePrincipalName="kadmin/x")
    user(made, "Administrator", 500, flags=0x40200)
    user(
        made,
        "svc-sql",
        1601,
        servicePrincipalName=["MSSQLSvc/db1.corp.example", "MSSQLSvc/db1"],
        msDS_SupportedEncryptionTypes=AES,
    )
    user(made, "ada", 1602, flags=0x40200, memberOf=[f"CN=Server Team,CN=Users,{BASE}"])


def _computers(made: Directory) -> None:
    kinds = {
        "DC1$": ("532480", "Windows Server 2022 Datacenter", "10.0 (20348)"),
        "FILE1$": ("4096", "Windows Server 2019 Standard", "10.0 (17763)"),
        "LAPTOP1$": ("4096", "Windows 11 Enterprise", "10.0 (26100)"),
    }
    for name, (flags, system, version) in kinds.items():
        made.add(
            f"CN={name[:-1]},OU=Machines,{BASE}",
            objectClass=["top", "person", "organizationalPerson", "user", "computer"],
            objectCategory="computer",
            sAMAccountName=name,
            objectSid=identifier(f"{DOMAIN}-{1700 + len(made.entries) % 97}"),
            userAccountControl=flags,
            lastLogonTimestamp=ago(3),
            operatingSystem=system,
            operatingSystemVersion=version,
            msDS_SupportedEncryptionTypes=AES,
            msLAPS_PasswordExpirationTime=ticks(NOW + timedelta(days=20)),
            msLAPS_Password="never-to-be-read",
        )


def _groups(made: Directory) -> None:
    names = {"Domain Admins": 512, "Schema Admins": 518, "Enterprise Admins": 519}
    for name, rid in {**names, "Protected Users": 525}.items():
        group(made, name, f"{DOMAIN}-{rid}")
    built_in = {"Administrators": 544, "Account Operators": 548, "Backup Operators": 551}
    for name, rid in built_in.items():
        group(made, name, f"S-1-5-32-{rid}")
    group(made, "Server Team", f"{DOMAIN}-1650", memberOf=[f"CN=Domain Admins,CN=Users,{BASE}"])
    made.entries[f"CN=Administrator,CN=Users,{BASE}"]["memberOf"] = [
        f"CN=Domain Admins,CN=Users,{BASE}".encode()
    ]


def group(made: Directory, name: str, sid: str, **more: list[str]) -> None:
    """Add a group."""
    made.add(
        f"CN={name},CN=Users,{BASE}",
        objectClass=["top", "group"],
        sAMAccountName=name,
        objectSid=identifier(sid),
        **more,
    )


def _templates(made: Directory) -> None:
    made.add(SERVICES, cn="Public Key Services")
    made.add(f"CN=Certificate Templates,{SERVICES}", cn="Certificate Templates")
    made.add(
        f"CN=CORP-CA,CN=Enrollment Services,{SERVICES}",
        objectClass="pKIEnrollmentService",
        cn="CORP-CA",
        certificateTemplates=["WebServer", "Laptop"],
    )
    everybody = descriptor(grant(f"{DOMAIN}-513", 0x100, ENROL))
    for name, uses, flags in (
        ("WebServer", "1.3.6.1.5.5.7.3.1", "1"),
        ("Laptop", "1.3.6.1.5.5.7.3.2", "134217728"),
        ("Retired", "1.3.6.1.5.5.7.3.2", "1"),
    ):
        made.add(
            f"CN={name},CN=Certificate Templates,{SERVICES}",
            objectClass="pKICertificateTemplate",
            cn=name,
            pKIExtendedKeyUsage=uses,
            msPKI_Certificate_Name_Flag=flags,
            msPKI_Enrollment_Flag="0",
            msPKI_RA_Signature="0",
            nTSecurityDescriptor=everybody,
        )
