"""Microsoft Intune: the devices of a tenant, the policies for them, the software on them."""

from collectors.intune.site import IntuneConnection

__all__ = ["IntuneConnection"]
