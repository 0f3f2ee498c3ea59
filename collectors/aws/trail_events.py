"""Events as CloudTrail writes them, one for each thing that somebody should be told of.

Which calls belong to a question follows the CIS Amazon Web Services Foundations Benchmark, section
"Monitoring". Values that no filter may ask for (addresses, ids) are made up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Event = Mapping[str, Any]

PERSON: Event = {
    "type": "IAMUser",
    "principalId": "AIDAEXAMPLE",
    "arn": "arn:aws:iam::111122223333:user/alice",
    "accountId": "111122223333",
    "userName": "alice",
}
ROOT: Event = {
    "type": "Root",
    "principalId": "111122223333",
    "arn": "arn:aws:iam::111122223333:root",
    "accountId": "111122223333",
}


def call(service: str, name: str, **more: Any) -> Event:  # noqa: ANN401 - any JSON value
    """A call of an API by a person."""
    return {
        "eventVersion": "1.11",
        "userIdentity": PERSON,
        "eventTime": "2026-01-01T00:00:00Z",
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": "us-east-1",
        "sourceIPAddress": "198.51.100.7",
        "userAgent": "aws-cli/2.0",
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
        "readOnly": False,
        "recipientAccountId": "111122223333",
        **more,
    }


def sign_in(result: str, **more: Any) -> Event:  # noqa: ANN401 - any JSON value
    """A sign-in to the console."""
    return call(
        "signin",
        "ConsoleLogin",
        eventType="AwsConsoleSignIn",
        responseElements={"ConsoleLogin": result},
        **more,
    )


def calls(service: str, *names: str) -> dict[str, Event]:
    """Calls of one service by their names."""
    return {name: call(service, name) for name in names}


UNAUTHORIZED = {
    "AccessDenied": call("iam", "ListUsers", errorCode="AccessDenied"),
    "UnauthorizedOperation": call("ec2", "RunInstances", errorCode="Client.UnauthorizedOperation"),
}
SIGN_IN_WITHOUT_MFA = {
    "ConsoleLogin": sign_in("Success", additionalEventData={"MFAUsed": "No"}),
}
FAILED_SIGN_IN = {
    "ConsoleLogin": sign_in(
        "Failure",
        errorMessage="Failed authentication",
        additionalEventData={"MFAUsed": "No"},
    ),
}
ROOT_USE = {"CreateAccessKey": call("iam", "CreateAccessKey", userIdentity=ROOT)}
IAM_POLICIES = calls(
    "iam",
    "AttachGroupPolicy",
    "AttachRolePolicy",
    "AttachUserPolicy",
    "CreatePolicy",
    "CreatePolicyVersion",
    "DeleteGroupPolicy",
    "DeletePolicy",
    "DeletePolicyVersion",
    "DeleteRolePolicy",
    "DeleteUserPolicy",
    "DetachGroupPolicy",
    "DetachRolePolicy",
    "DetachUserPolicy",
    "PutGroupPolicy",
    "PutRolePolicy",
    "PutUserPolicy",
)
TRAILS = calls(
    "cloudtrail", "CreateTrail", "DeleteTrail", "StartLogging", "StopLogging", "UpdateTrail"
)
KEYS = calls("kms", "DisableKey", "ScheduleKeyDeletion")
BUCKETS = calls(
    "s3",
    "DeleteBucketCors",
    "DeleteBucketLifecycle",
    "DeleteBucketPolicy",
    "DeleteBucketReplication",
    "PutBucketAcl",
    "PutBucketCors",
    "PutBucketLifecycle",
    "PutBucketPolicy",
    "PutBucketReplication",
)
CONFIG = calls(
    "config",
    "DeleteDeliveryChannel",
    "PutConfigurationRecorder",
    "PutDeliveryChannel",
    "StopConfigurationRecorder",
)
GROUPS = calls(
    "ec2",
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "CreateSecurityGroup",
    "DeleteSecurityGroup",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
)
NETWORK = calls(
    "ec2",
    # network ACLs
    "CreateNetworkAcl",
    "CreateNetworkAclEntry",
    "DeleteNetworkAcl",
    "DeleteNetworkAclEntry",
    "ReplaceNetworkAclAssociation",
    "ReplaceNetworkAclEntry",
    # gateways
    "AttachInternetGateway",
    "CreateCustomerGateway",
    "CreateInternetGateway",
    "DeleteCustomerGateway",
    "DeleteInternetGateway",
    "DetachInternetGateway",
    # route tables
    "CreateRoute",
    "CreateRouteTable",
    "DeleteRoute",
    "DeleteRouteTable",
    "DisassociateRouteTable",
    "ReplaceRoute",
    "ReplaceRouteTableAssociation",
    # networks
    "AcceptVpcPeeringConnection",
    "CreateVpc",
    "CreateVpcPeeringConnection",
    "DeleteVpc",
    "DeleteVpcPeeringConnection",
    "ModifyVpcAttribute",
    "RejectVpcPeeringConnection",
)
ORGANIZATION = calls(
    "organizations",
    "AcceptHandshake",
    "AttachPolicy",
    "CreateAccount",
    "CreateOrganizationalUnit",
    "CreatePolicy",
    "DeclineHandshake",
    "DeleteOrganization",
    "DeleteOrganizationalUnit",
    "DeletePolicy",
    "DetachPolicy",
    "DisablePolicyType",
    "EnablePolicyType",
    "InviteAccountToOrganization",
    "LeaveOrganization",
    "MoveAccount",
    "RemoveAccountFromOrganization",
    "UpdateOrganizationalUnit",
    "UpdatePolicy",
)
