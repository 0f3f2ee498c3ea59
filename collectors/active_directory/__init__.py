"""Active Directory: a domain, read over LDAP with an ordinary account of it."""

from collectors.active_directory.target import AdConnection, AdTarget

__all__ = ["AdConnection", "AdTarget"]
