"""Google Cloud as a target: pages, refusals, secrets, over a real gRPC server with TLS."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import trustme

from collectors import CallError, Cause, MalformedError, Status, catalog
from collectors.documents import document_of
from collectors.gcp import GcpConnection, inventory
from collectors.gcp.instances import REGIONAL_DISK, Disk, Instance
from collectors.gcp.inventory import KINDS, TYPES, assets
from collectors.gcp.keys import Secret
from collectors.gcp.networks import SslPolicy
from collectors.gcp.target import PERMISSIONS
from collectors.testing import Conformance, collect
from tests.collectors.fake_clock import eager_caller, patient_caller
from tests.collectors.gcp.acme import PROJECTS, SECRET
from tests.collectors.gcp.conftest import World
from tests.collectors.gcp.double import ORGANISATION, READ_TIME, READER, Refusal, key
from tests.collectors.refusals import Refusals, only_unknowns

ALL = catalog(plugins=False).of("gcp")
LABELLED = {"confidential": "class=confidential"}
BOUND: dict[str, dict[str, object]] = {
    "gcp.bigquery.cmek": LABELLED,
    "gcp.bigquery.table_expiration": {"retention": "class=confidential"},
    "gcp.cloudrun.ingress_and_auth": {"approved": ()},
    "gcp.cloudsql.audit_flags": {"flags": ("POSTGRES:log_connections=on", "MYSQL:general_log=on")},
    "gcp.cloudsql.high_availability": {"production": "env=production"},
    "gcp.compute.disk_cmek": LABELLED,
    "gcp.compute.snapshot_schedule": {"backup": "backup=true"},
    "gcp.iam.auditor_role_read_only": {"auditors": (f"serviceAccount:{READER}",)},
    "gcp.iam.corporate_identities_only": {"domains": ("acme.example",)},
    "gcp.orgpolicy.baseline_enforced": {"baseline": ("iam.disableServiceAccountKeyCreation",)},
    "gcp.project.register_complete": {
        "registered": tuple(f"acme-{number:03}" for number in range(PROJECTS))
    },
    "gcp.storage.cmek": LABELLED,
    "gcp.storage.lifecycle_delete": {"retention": "class=confidential", "longest": 400},
    "gcp.storage.location_redundant": {"critical": "class=confidential"},
    "gcp.storage.retention_lock_for_records": {"records": "class=confidential"},
}


class TestConformance(Conformance):
    collectors = ALL
    bound: ClassVar = BOUND


def causes(world: World) -> dict[str, tuple[Cause, str, str]]:
    """Why each listing was not read, by kind."""
    read = collect(world.connection, ALL)
    assert not read.defects
    unread = [(part.kind, part.unread) for part in read.parts if part.unread]
    return {kind: (why.cause, why.code, why.permission) for kind, why in unread}


def refusing(content: str, refusal: Refusal, page: str | None = None) -> Any:
    """Refuse one content type, or one page of it."""

    def answer(request: Any, _: Any) -> Refusal | None:
        name = {1: "RESOURCE", 2: "IAM_POLICY", 4: "ORG_POLICY"}[request.content_type]
        return refusal if name == content and page in {None, request.page_token} else None

    return answer


def test_every_type_and_path_that_is_read_was_found_in_googles_own_descriptions() -> None:
    """`documented.csv` names the schema of each type, and who has the inventory list it."""
    with (Path(__file__).parent / "documented.csv").open(encoding="utf-8", newline="") as file:
        found = {row["type"]: set(row["paths"].split()) for row in csv.DictReader(file)}
    assert set(found) == set(TYPES)
    for asset_type, kind in TYPES.items():
        assert set(kind.keeps) <= found[asset_type], asset_type
    asked = re.compile(r'\.(?:at|text|flag|number|items|rows)\(\s*"([\w.]+)"')
    room = Path(inventory.__file__).parent
    read = {path for each in room.glob("*.py") for path in asked.findall(each.read_text())}
    assert len(read) > 50
    assert read <= set().union(*found.values())


def test_a_disk_in_two_zones_is_a_disk_too(world: World) -> None:
    one = next(a for a in world.inventory.assets if a.asset_type == Disk.asset_type)
    one.asset_type = REGIONAL_DISK
    listed = assets(world.connection.open(eager_caller()))
    assert one.name in {each.id for each in listed if isinstance(each, Disk)}


def test_a_whole_organisation_is_read_in_as_few_pages_as_there_can_be(world: World) -> None:
    read = collect(world.connection, ALL)
    assert read.defects == []
    wrong = {
        k: v for k, v in read.findings(bound=BOUND).items()
        if v.status in {Status.FAIL, Status.UNKNOWN}
    }  # fmt: skip
    assert wrong == {}
    assert {part.kind for part in read.parts if part.collected == 0} == set()
    pages = Counter(asked.content_type for asked in world.inventory.asked)
    rows = Counter(resource.kind for resource in read.resources)
    listed = sum(rows[kind.kind] for kind in KINDS)
    assert listed > 3000
    assert pages == {1: -(-listed // 1000), 2: 1, 4: 1}
    assert [a.page_token for a in world.inventory.asked if a.content_type == 1][:3] == [
        "", "1000", "2000",
    ]  # fmt: skip


def test_who_reads_what_needs_no_call(world: World) -> None:
    target = world.connection.open(eager_caller())
    identity = target.identify()
    assert (identity.subject, identity.principal) == (ORGANISATION, READER)
    assert world.inventory.asked == []


def test_a_resource_says_its_project_and_keeps_what_checks_read(world: World) -> None:
    found = assets(world.connection.open(eager_caller()))
    machine = next(each for each in found if isinstance(each, Instance))
    assert machine.scope.startswith("projects/10")
    assert machine.listed["ancestors"][-1] == ORGANISATION
    assert machine.listed["updateTime"]
    assert machine.listed["data"]["metadata"] == {"items": [{"key": "user-data"}]}
    assert "status" not in machine.listed["data"]
    assert "disks" not in machine.listed["data"]


def test_no_secret_of_the_inventory_is_kept_nor_the_readers_own(world: World) -> None:
    caller = eager_caller()
    target = world.connection.open(caller)
    kept = json.dumps([document_of(each) for each in assets(target)])
    assert SECRET not in kept
    assert "PRIVATE KEY" not in json.dumps(caller.journal.document()) + repr(world.connection)


def test_the_journal_tells_rows_and_when_google_took_the_snapshot(world: World) -> None:
    caller = eager_caller()
    assert list(world.connection.open(caller).assets("ORG_POLICY", ["x"])) == []
    world.inventory.wrong.clear()  # an asset type that we never ask for
    [line] = caller.journal.document()
    assert (line["outcome"], line["rows"], line["server_date"]) == ("ok", 0, READ_TIME)
    assert line["parameters"]["contentType"] == "ORG_POLICY"


@pytest.mark.parametrize("content", list(PERMISSIONS))
def test_a_denied_content_type_leaves_the_others_and_names_its_permission(
    world: World, content: str
) -> None:
    world.inventory.answer = refusing(content, Refusal("PERMISSION_DENIED"))
    permission = PERMISSIONS[content]  # type: ignore[index]
    found = causes(world)
    assert set(found.values()) == {(Cause.DENIED, "PERMISSION_DENIED", permission)}
    kinds = {"RESOURCE": len(KINDS), "IAM_POLICY": 1, "ORG_POLICY": 1}
    assert len(found) == kinds[content]


def test_content_types_refused_each_in_turn_and_two_at_once_give_only_unknowns(
    world: World, connection: GcpConnection
) -> None:
    contents = {permission: content for content, permission in PERMISSIONS.items()}

    def refuse(lost: Collection[str]) -> None:
        refusals = [refusing(contents[each], Refusal("PERMISSION_DENIED")) for each in lost]
        world.inventory.answer = lambda *of: next(filter(None, (r(*of) for r in refusals)), None)

    Refusals(lambda: collect(connection, ALL), refuse, bound=BOUND).give_only_unknowns()


@pytest.mark.parametrize(
    ("refusal", "cause", "code", "cure"),
    [
        (Refusal("PERMISSION_DENIED", "SERVICE_DISABLED"), Cause.DENIED, "SERVICE_DISABLED",
         "cloudasset.googleapis.com enabled in the project whose quota is used"),
        (Refusal("PERMISSION_DENIED", "USER_PROJECT_DENIED"), Cause.DENIED, "USER_PROJECT_DENIED",
         "serviceusage.services.use on the quota_project"),
        (Refusal("PERMISSION_DENIED", "IAM_PERMISSION_DENIED"), Cause.DENIED, "PERMISSION_DENIED",
         "cloudasset.assets.listResource"),
        (Refusal("UNAUTHENTICATED"), Cause.DENIED, "UNAUTHENTICATED",
         "a credential that is still valid"),
        (Refusal("NOT_FOUND"), Cause.UNREACHABLE, "NOT_FOUND", ""),
        (Refusal("INVALID_ARGUMENT"), Cause.MALFORMED, "INVALID_ARGUMENT", ""),
        (Refusal("UNAVAILABLE"), Cause.UNREACHABLE, "UNAVAILABLE", ""),
        (Refusal("INTERNAL"), Cause.UNREACHABLE, "INTERNAL", ""),
        (Refusal("RESOURCE_EXHAUSTED"), Cause.THROTTLED, "RESOURCE_EXHAUSTED", ""),
    ],
)  # fmt: skip
def test_refusals_are_told_apart_and_say_what_cures_them(
    world: World, refusal: Refusal, cause: Cause, code: str, cure: str
) -> None:
    world.inventory.answer = refusing("RESOURCE", refusal)
    with pytest.raises(CallError) as refused:
        next(assets(world.connection.open(patient_caller(60))))
    assert (refused.value.cause, refused.value.code) == (cause, code)
    assert refused.value.permission == cure
    assert ORGANISATION in str(refused.value) or cause is Cause.THROTTLED


def unheard(*types: str, said: str = "") -> Any:
    """Refuse lists that name one of these types, as Google does: by the first of them."""

    def answer(request: Any, _: Any) -> Refusal | None:
        named = [each for each in request.asset_types if each in types]
        words = (
            f"No RESOURCE found that matches asset type {said or named[0]} for consumer project: "
            "1234. For a list of supported content types and asset types, see "
            "https://cloud.google.com/asset-inventory/docs/supported-asset-types"
        ) if named else ""  # fmt: skip
        return Refusal("INVALID_ARGUMENT", words=words) if named else None

    return answer


def test_types_that_google_does_not_know_are_unknown_and_the_others_are_listed(
    world: World, connection: GcpConnection
) -> None:
    before = collect(connection, ALL)
    world.inventory.answer = unheard(SslPolicy.asset_type, Secret.asset_type)
    after = collect(connection, ALL)
    told = {part.kind: part.unread for part in after.parts if part.unread}
    assert {kind: (why.cause, why.code) for kind, why in told.items()} == {
        kind.kind: (Cause.PARTIAL, f"asset type refused: {kind.asset_type}")
        for kind in (SslPolicy, Secret)
    }
    lost = {kind.asset_type for kind in (SslPolicy, Secret)}
    only_unknowns(before.findings(bound=BOUND), after.findings(bound=BOUND), after, lost)


def test_a_refusal_that_names_no_type_of_ours_leaves_the_whole_list_unread(world: World) -> None:
    world.inventory.answer = unheard(Secret.asset_type, said="secretmanager.googleapis.com/Secrets")
    found = causes(world)
    assert set(found) == {kind.kind for kind in KINDS}
    assert {why[:2] for why in found.values()} == {(Cause.MALFORMED, "INVALID_ARGUMENT")}


def test_a_throttled_page_is_asked_again_after_the_time_google_names(world: World) -> None:
    left = [Refusal("RESOURCE_EXHAUSTED", after=7), Refusal("UNAVAILABLE")]
    world.inventory.answer = lambda *_: left.pop(0) if left else None
    caller = patient_caller()
    assert sum(1 for _ in assets(world.connection.open(caller))) > 3000
    outcomes = [line["outcome"] for line in caller.journal.document()]
    assert outcomes[:3] == ["throttled", "UNAVAILABLE", "ok"]
    assert sum(caller.clock.slept) >= 7  # type: ignore[attr-defined]


def test_a_list_that_breaks_off_midway_is_unread_for_all_of_its_kinds(world: World) -> None:
    world.inventory.answer = refusing("RESOURCE", Refusal("NOT_FOUND"), page="2000")
    found = causes(world)
    assert set(found) == {kind.kind for kind in KINDS}
    assert {why[:2] for why in found.values()} == {(Cause.UNREACHABLE, "NOT_FOUND")}


def test_a_page_token_that_comes_again_ends_the_list_as_malformed(world: World) -> None:
    def circling(_: Any, answer: Any) -> None:
        answer.next_page_token = "1000"

    world.inventory.answer = circling
    with pytest.raises(MalformedError, match="same page token"):
        list(assets(world.connection.open(eager_caller())))


def test_an_empty_page_with_a_token_is_not_the_end(world: World) -> None:
    def thinned(request: Any, answer: Any) -> None:
        if request.page_token == "1000":
            del answer.assets[:]

    world.inventory.answer = thinned
    whole = sum(1 for _ in assets(world.connection.open(eager_caller())))
    assert whole > 2000


def test_an_empty_organisation_is_complete_and_empty(world: World) -> None:
    world.inventory.assets = []
    read = collect(world.connection, ALL)
    assert read.resources == []
    assert all(part.complete for part in read.parts)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda row: setattr(row, "name", ""),
        lambda row: row.ClearField("ancestors"),
        lambda row: row.ClearField("resource"),
        lambda row: setattr(row, "asset_type", "compute.googleapis.com/Unheard"),
    ],
)
def test_an_asset_of_another_form_makes_the_list_malformed(world: World, spoil: Any) -> None:
    world.inventory.answer = lambda _, answer: spoil(answer.assets[3])
    with pytest.raises(MalformedError):
        list(assets(world.connection.open(eager_caller())))


def test_a_server_that_is_not_trusted_is_not_given_the_token(world: World, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    strange = replace(world.connection, ca_file=str(other)).open(patient_caller())
    with pytest.raises(CallError) as refused:
        next(assets(strange))
    assert (refused.value.cause, refused.value.code) == (
        Cause.UNREACHABLE, "untrusted certificate",
    )  # fmt: skip
    assert world.inventory.asked == []


@pytest.mark.parametrize("given", ["", "{}", '{"type": "authorized_user"}', "not json"])
def test_a_credential_of_another_form_is_refused_without_telling_it(given: str) -> None:
    with pytest.raises(CallError) as refused:
        GcpConnection("a", ORGANISATION, lambda: given).open(eager_caller())
    assert (refused.value.cause, refused.value.code) == (Cause.DENIED, "no usable credential")


def test_a_broken_key_is_not_quoted() -> None:
    broken = json.dumps({**json.loads(key()), "private_key": SECRET})
    with pytest.raises(CallError) as refused:
        GcpConnection("a", ORGANISATION, lambda: broken).open(eager_caller())
    assert SECRET not in str(refused.value)
    assert refused.value.__cause__ is None


def test_workload_identity_is_taken_from_its_configuration() -> None:
    audience = (
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x"
    )
    given = json.dumps(
        {
            "type": "external_account",
            "audience": audience,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": {"file": "/nowhere"},
        }
    )
    target = GcpConnection("a", ORGANISATION, lambda: given).open(eager_caller())
    assert target.identify().principal == audience


def test_without_googles_library_the_message_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "google.cloud.asset_v1", None)
    with pytest.raises(CallError, match=r"annexa\[gcp\]") as refused:
        GcpConnection("a", ORGANISATION, key).open(eager_caller())
    assert refused.value.cause is Cause.NOT_ASKED
