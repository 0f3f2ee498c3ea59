"""Microsoft Entra ID: a tenant's people, sign-in rules, roles and applications."""

from collectors.entra.site import EntraConnection

__all__ = ["EntraConnection"]
