"""What is left of AWS's descriptions is whole: all that reads, with every shape it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from botocore.loaders import Loader
from botocore.model import ServiceModel

from collectors.aws.descriptions import READS, loader

SERVICES = ("autoscaling", "ec2", "iam", "logs", "rds", "s3", "s3control", "sts")


def told(shape: Any, seen: set[str]) -> Any:
    """A shape with all shapes in it, as the SDK reads them."""
    if shape is None or shape.name in seen:
        return shape and shape.name
    seen.add(shape.name)
    inside = getattr(shape, "members", {}) if shape.type_name == "structure" else {}
    others = [getattr(shape, name, None) for name in ("member", "key", "value")]
    return (
        shape.name,
        shape.type_name,
        shape.serialization,
        {name: told(member, seen) for name, member in inside.items()},
        [told(other, seen) for other in others if hasattr(other, "type_name")],
    )


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_left_of_a_service_says_what_the_whole_says(service: str) -> None:
    whole, left = (
        ServiceModel(made.load_service_model(service, "service-2"), service)
        for made in (Loader(), loader([]))
    )
    reading = [name for name in whole.operation_names if name.startswith(READS)]
    assert sorted(left.operation_names) == sorted(reading)
    assert left.metadata == whole.metadata
    for name in reading:
        ours, theirs = left.operation_model(name), whole.operation_model(name)
        assert ours.http == theirs.http
        for part in ("input_shape", "output_shape"):
            assert told(getattr(ours, part), set()) == told(getattr(theirs, part), set())
        assert [e.name for e in ours.error_shapes] == [e.name for e in theirs.error_shapes]
    for shape in left.shape_names:
        assert "documentation" not in left.shape_for(shape).metadata


def test_descriptions_of_ones_own_come_first(tmp_path: Path) -> None:
    folder = tmp_path / "sts" / "2099-01-01"
    folder.mkdir(parents=True)
    described = loader([]).load_service_model("sts", "service-2")
    (folder / "service-2.json").write_bytes(orjson.dumps(described | {"mine": 1}))
    assert loader([str(tmp_path)]).load_service_model("sts", "service-2")["mine"] == 1
