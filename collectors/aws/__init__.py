"""Amazon Web Services: one account by one credential, an organisation by a role of one name."""

from collectors.aws.organisation import AwsOrganisation
from collectors.aws.target import AwsConnection, AwsTarget

__all__ = ["AwsConnection", "AwsOrganisation", "AwsTarget"]
