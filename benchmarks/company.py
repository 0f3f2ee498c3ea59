"""The company of the benchmarks: resources of many targets, and the sweeps over them."""

from __future__ import annotations

import hashlib
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from evidence_store import (
    CheckRef,
    Document,
    Finding,
    PartRecord,
    Plan,
    PlannedTarget,
    ResourceKey,
    Store,
    UnitRecord,
    canonical,
)

UNIT = 100
"""Resources of a target, as in a medium account of one service."""
KIND = "lab.things.thing"
CHECKS = [CheckRef(f"lab.things.check_{n}", "1", "medium", {}) for n in range(3)]
VERDICTS = [
    [Finding(check, *told) for check, told in zip(CHECKS, row, strict=True)]
    for row in (
        [("pass", None, "")] * 3,
        [("pass", None, ""), ("fail", None, "off: the setting"), ("pass", None, "")],
    )
]


def told(part: str, what: str, **numbers: float) -> None:
    """One line of the report."""
    words = ", ".join(f"{name} {value:,.4g}" for name, value in numbers.items())
    print(f"{part:10} {what}: {words}", flush=True)


def thing(number: int, version: int = 0) -> dict[str, Any]:
    """A resource's document of about 1.8 KB: names, settings, ids that compress badly."""
    chance = random.Random(number * 1000 + version)  # noqa: S311 - the same every time
    ids = [f"eni-{chance.getrandbits(68):017x}" for _ in range(8)]
    return {
        "kind": KIND,
        "scope": "eu-west-1",
        "id": identity(number),
        "listed": {
            "Name": f"thing {number}",
            "State": {"Code": 16, "Name": "running"},
            "Tags": [
                {"Key": f"{word}:{n}", "Value": f"{chance.getrandbits(32):08x}"}
                for n, word in enumerate(("team", "env", "cost", "owner", "app", "tier"))
            ],
            "Groups": [{"GroupId": each, "GroupName": f"{each[-3:]}-sg"} for each in ids[:4]],
        },
        "facts": {
            "encryption": {"value": {"algorithm": "aws:kms", "key": f"arn:aws:kms:{ids[4]}"}},
            "logging": {"value": {"bucket": f"logs-{number % 50}", "prefix": ids[5]}},
            "settings": {
                "value": {
                    f"setting_{n}": chance.choice(("on", "off", "default")) for n in range(24)
                }
            },
            "links": {"value": ids[6:]},
        },
    }


def instance(number: int, version: int = 0) -> dict[str, Any]:
    """An EC2 instance's document as AWS gives it, every id drawn; of a kind dictionaries know."""
    chance = random.Random(number * 1000 + version)  # noqa: S311 - the same every time

    def drawn(prefix: str) -> str:
        return f"{prefix}-{chance.getrandbits(68):017x}"

    def at() -> str:
        return f"2026-0{chance.randint(1, 9)}-11T{chance.randint(10, 23)}:42:00+00:00"

    address = f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}"
    subnet, vpc = drawn("subnet"), drawn("vpc")
    groups = [{"GroupId": drawn("sg"), "GroupName": chance.choice(("web", "db"))} for _ in range(2)]
    listed = {
        "Architecture": "x86_64",
        "BlockDeviceMappings": [
            {
                "DeviceName": f"/dev/sd{letter}",
                "Ebs": {"AttachTime": at(), "DeleteOnTermination": True, "Status": "attached",
                        "VolumeId": drawn("vol")},
            }
            for letter in "af"
        ],
        "EbsOptimized": True,
        "IamInstanceProfile": {"Arn": "arn:aws:iam::111122223333:instance-profile/web",
                               "Id": f"AIPA{chance.getrandbits(60):016X}"},
        "ImageId": drawn("ami"),
        "InstanceId": drawn("i"),
        "InstanceType": chance.choice(("m6i.large", "m6i.xlarge", "t3.micro")),
        "LaunchTime": at(),
        "MetadataOptions": {"HttpEndpoint": "enabled", "HttpPutResponseHopLimit": 2,
                            "HttpTokens": chance.choice(("required", "optional")),
                            "State": "applied"},
        "Monitoring": {"State": "disabled"},
        "NetworkInterfaces": [
            {"Groups": groups, "NetworkInterfaceId": drawn("eni"), "PrivateIpAddress": address,
             "SourceDestCheck": True, "Status": "in-use", "SubnetId": subnet, "VpcId": vpc}
        ],
        "Placement": {"AvailabilityZone": "eu-west-1a", "Tenancy": "default"},
        "PrivateIpAddress": address,
        "SecurityGroups": groups,
        "State": {"Code": 16, "Name": "running"},
        "SubnetId": subnet,
        "Tags": [
            {"Key": key, "Value": f"{key}-{chance.randrange(1000)}"}
            for key in ("Name", "cost-center", "env", "team")
        ],
        "VpcId": vpc,
    }  # fmt: skip
    return {
        "kind": "aws.ec2.instance",
        "scope": "eu-west-1",
        "id": identity(number),
        "listed": listed,
        "facts": {"user_data": {"value": {"texts": []}}},
    }


def identity(number: int) -> str:
    """A resource's id, as long as those of clouds are."""
    return f"arn:aws:lab:eu-west-1:{number // UNIT:012}:thing/thing-{number:08}"


Make = Callable[[int, int], dict[str, Any]]


class Company:
    """Resources of many targets, and the sweeps over them."""

    def __init__(self, count: int, unit: int = UNIT, make: Make = thing) -> None:
        self.count = count
        self.make = make
        self.kind: str = make(0, 0)["kind"]
        self.unit = unit
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.version: Counter[int] = Counter()  # of those that ever changed: a million are memory
        self.digests: dict[int, bytes] = {}
        """Of documents as they were told last: what did not change need not be made again."""
        self.chance = random.Random(7)  # noqa: S311 - the same every time

    def clock(self) -> datetime:
        """The company's own time."""
        return self.now

    def targets(self) -> list[str]:
        """Their names."""
        return [f"lab/{number:06}" for number in range(self.count // self.unit)]

    def bodies(self, target: int) -> list[bytes]:
        """The documents of a target as they are now."""
        numbers = range(target * self.unit, (target + 1) * self.unit)
        return [self.body(number) for number in numbers]

    def body(self, number: int) -> bytes:
        """A document as it is now."""
        return canonical(self.make(number, self.version[number]))

    def change(self, share: float) -> None:
        """Let some resources change."""
        for number in self.chance.sample(range(self.count), int(self.count * share)):
            self.version[number] += 1
            self.digests.pop(number, None)

    def keys(self, target: int) -> list[tuple[ResourceKey, list[Finding]]]:
        """What is known of a target's resources beside their bodies: key and findings."""
        return [
            (
                ResourceKey(self.kind, "", identity(number)),
                VERDICTS[(number + self.version[number]) % 10 == 0],
            )
            for number in range(target * self.unit, (target + 1) * self.unit)
        ]

    def begin(self, store: Store) -> int:
        """Plan a sweep of all targets, a day after the last."""
        self.now += timedelta(days=1)
        planned = [PlannedTarget(target, 1) for target in self.targets()]
        return store.begin_sweep(Plan(planned, "company", "1", "2026", "0", self.now.isoformat()))

    def record(
        self,
        store: Store,
        sweep: int,
        target: int,
        bodies: Sequence[bytes],
        keys: Sequence[tuple[ResourceKey, list[Finding]]],
        journal: bytes = b"",
    ) -> None:
        """Record one target, handed over as a sweep does it."""
        documents = [
            Document(key, body, hashlib.sha256(body).digest(), findings)
            for (key, findings), body in zip(keys, bodies, strict=True)
        ]
        self.record_documents(store, sweep, target, documents, journal)

    def known_documents(self, target: int) -> list[Document]:
        """A target's documents, of which only those are made that changed since they were told."""
        first, found = target * self.unit, []
        for number, (key, findings) in enumerate(self.keys(target), first):
            body: bytes | Callable[[], bytes] = partial(self.body, number)
            if number not in self.digests:
                body = self.body(number)
                self.digests[number] = hashlib.sha256(body).digest()
            found.append(Document(key, body, self.digests[number], findings))
        return found

    def record_documents(
        self,
        store: Store,
        sweep: int,
        target: int,
        documents: Sequence[Document],
        journal: bytes = b"",
    ) -> None:
        """Record one target that was read just now."""
        now = self.now.isoformat()
        part = PartRecord("lab.things", self.kind, "", observed_at=now)
        store.record(
            UnitRecord(
                f"lab/{target:06}", sweep, "complete", now, now, [part], documents, journal=journal
            )
        )

    def sweep(
        self, store: Store, after: Callable[[int], object] = lambda _: None
    ) -> tuple[float, float]:
        """A whole sweep; CPU and wall seconds of recording, without making the documents.

        `after` is told how many resources are recorded, after each hundred targets.
        """
        number = self.begin(store)
        used, took = 0.0, 0.0
        for target in range(self.count // self.unit):
            bodies, keys = self.bodies(target), self.keys(target)
            began, at = time.process_time(), time.perf_counter()
            self.record(store, number, target, bodies, keys)
            used += time.process_time() - began
            took += time.perf_counter() - at
            if (target + 1) % 100 == 0:
                after((target + 1) * self.unit)
        store.close_sweep(number, {})
        store.checkpoint()
        return used, took

    def known_sweep(self, store: Store) -> tuple[float, float]:
        """A whole sweep in which only what changed is made; CPU and wall seconds of recording."""
        number = self.begin(store)
        used, took = 0.0, 0.0
        for target in range(self.count // self.unit):
            documents = self.known_documents(target)
            began, at = time.process_time(), time.perf_counter()
            self.record_documents(store, number, target, documents)
            used += time.process_time() - began
            took += time.perf_counter() - at
        store.close_sweep(number, {})
        store.checkpoint()
        return used, took
