"""Amazon Web Services: one account by one credential."""

from collectors.aws.target import AwsConnection, AwsTarget

__all__ = ["AwsConnection", "AwsTarget"]
