"""Certificate templates of the directory's own authority: who can get a certificate, as whom."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from uuid import UUID

from collectors import (
    Collector,
    FactUnknown,
    Resource,
    Scene,
    Unread,
    Verdict,
    fails,
    not_applicable,
    passes,
)
from collectors.active_directory import access_lists
from collectors.active_directory.target import ONE, AdTarget
from collectors.active_directory.values import named, number

pki = Collector("active_directory.pki", title="Certificate templates")

READ: Final = "Read on certificate templates and enrolment services"

# [MS-CRTD] 2.27 and 2.26.
SUBJECT_SUPPLIED: Final = 0x1
MANAGER_APPROVAL: Final = 0x2

ENROL: Final = UUID("0e10c968-78fb-11d2-90d4-00c04f79dc55")
SIGN_IN: Final = {
    "1.3.6.1.5.5.7.3.2",  # client authentication
    "1.3.6.1.5.2.3.4",  # PKINIT
    "1.3.6.1.4.1.311.20.2.2",  # smart card logon
    "2.5.29.37.0",  # any purpose
}
EVERYBODY: Final = {"S-1-1-0", "S-1-5-7", "S-1-5-11", "S-1-5-32-545", "S-1-5-32-546"}
EVERYBODY_OF_A_DOMAIN: Final = ("-513", "-514", "-515")
"""Domain Users, Guests and Computers."""

ATTRIBUTES: Final = (
    "cn",
    "pKIExtendedKeyUsage",
    "msPKI-Certificate-Name-Flag",
    "msPKI-Enrollment-Flag",
    "msPKI-RA-Signature",
    "nTSecurityDescriptor",
)


class Template(Resource[dict[str, Any]], kind="active_directory.certificate_template"):
    """A template that an authority of the forest issues; its id is its name."""


@pki.resources(Template, permission=READ)
def templates(target: AdTarget) -> Iterator[Template]:
    """The published templates; a forest without an authority has none."""
    services = f"CN=Public Key Services,CN=Services,{target.configuration}"
    published: set[str] = set()
    query = "(objectClass=pKIEnrollmentService)"
    for row in target.search(services, query, "cn", "certificateTemplates"):
        published.update(row.get("certificateTemplates", ()))
    if not published:
        return
    container = f"CN=Certificate Templates,{services}"
    found = target.search(
        container, "(objectClass=pKICertificateTemplate)", *ATTRIBUTES, within=ONE, rights=True
    )
    for row in found:
        if row.get("cn") in published:
            yield Template(id=named(row, "cn"), listed=row)


@pki.check(
    Template,
    "critical",
    remediation="Build the subject from the directory, or ask for a manager's approval.",
)
def template_not_vulnerable(template: Template, _: Scene) -> Verdict:
    """Nobody can ask for a certificate to sign in as somebody else."""
    listed = template.listed
    if not number(listed, "msPKI-Certificate-Name-Flag") & SUBJECT_SUPPLIED:
        return passes()
    uses = set(listed.get("pKIExtendedKeyUsage", ()))
    if uses and not uses & SIGN_IN:
        return not_applicable("its certificates do not sign anybody in")
    if number(listed, "msPKI-Enrollment-Flag") & MANAGER_APPROVAL:
        return passes("a manager approves")
    if number(listed, "msPKI-RA-Signature"):
        return passes("another's signature is needed")
    if "nTSecurityDescriptor" not in listed:
        raise FactUnknown(Unread("the access list is not visible", READ))
    able = {
        grant.who
        for grant in access_lists.grants(listed["nTSecurityDescriptor"])
        if grant.extends(ENROL) and _is_everybody(grant.who)
    }
    return (
        fails(f"the subject is the asker's choice, for {', '.join(sorted(able))}")
        if able
        else passes()
    )


def _is_everybody(who: str) -> bool:
    return who in EVERYBODY or (who.startswith("S-1-5-21-") and who.endswith(EVERYBODY_OF_A_DOMAIN))
