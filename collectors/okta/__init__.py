"""Okta: an organisation's people, policies, administrators and applications."""

from collectors.okta.target import OktaConnection, OktaTarget, ServiceApp

__all__ = ["OktaConnection", "OktaTarget", "ServiceApp"]
