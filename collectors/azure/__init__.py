"""Microsoft Azure: the resources of a tenant or a management group, by Resource Graph and ARM."""

from collectors.azure.target import AzureConnection, AzureTarget

__all__ = ["AzureConnection", "AzureTarget"]
