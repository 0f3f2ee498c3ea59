"""The least a platform has to grant, in the form it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collectors import Catalog


def needed(catalog: Catalog, platform: str) -> list[str]:
    """Every permission the platform's collectors declare, sorted."""
    return sorted({p for collector in catalog.of(platform) for p in collector.permissions})


def policy_text(actions: Sequence[str]) -> str:
    """An IAM policy document that allows these actions on everything, and nothing else."""
    statement = {
        "Sid": "AnnexaReads",
        "Effect": "Allow",
        "Action": list(actions),
        "Resource": "*",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    return orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()


def terraform_text(actions: Sequence[str]) -> str:
    """The same policy as Terraform, with the role's trust left to its owner."""
    lines = "\n".join(f'      "{action}",' for action in actions)
    return f"""data "aws_iam_policy_document" "annexa" {{
  statement {{
    sid       = "AnnexaReads"
    effect    = "Allow"
    resources = ["*"]
    actions = [
{lines}
    ]
  }}
}}

resource "aws_iam_policy" "annexa" {{
  name        = "annexa"
  description = "Read-only permissions of the evidence collector annexa"
  policy      = data.aws_iam_policy_document.annexa.json
}}
"""
