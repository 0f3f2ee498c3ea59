"""Google Cloud: an organisation, a folder or a project, read from Cloud Asset Inventory."""

from collectors.gcp.target import GcpConnection, GcpTarget

__all__ = ["GcpConnection", "GcpTarget"]
