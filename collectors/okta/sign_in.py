"""Okta: how do people sign in?"""

from __future__ import annotations

from datetime import timedelta

from collectors import (
    MalformedError,
    Scene,
    Verdict,
    criterion,
    fails,
    moment,
    not_applicable,
    passes,
)
from collectors.okta.kinds import (
    AccessRule,
    Authenticator,
    Organization,
    PasswordPolicy,
    SignOnRule,
    User,
    authenticators,
    policy,
    users,
)

WEAK = frozenset({"phone_number", "security_question"})
STRONG = frozenset({"webauthn", "okta_verify", "smart_card_idp"})
WEAK_FACTORS = frozenset({"sms", "call", "email", "question"})


@authenticators.check(
    Organization,
    "medium",
    remediation="Activate FIDO2 (WebAuthn) or Okta Verify.",
    also=(Authenticator,),
)
def phishing_resistant_enabled(organization: Organization, scene: Scene) -> Verdict:
    """An authenticator that resists phishing is active."""
    del organization
    active = {a.listed["key"] for a in scene.all(Authenticator) if a.listed["status"] == "ACTIVE"}
    found = sorted(active & STRONG)
    return passes(f"active: {', '.join(found)}") if found else fails("none is active")


@authenticators.check(
    Authenticator,
    "medium",
    remediation="Deactivate the phone and security question authenticators.",
)
def weak_disabled(authenticator: Authenticator, scene: Scene) -> Verdict:
    """Telephone and security question are not accepted."""
    del scene
    if authenticator.listed["key"] not in WEAK:
        return not_applicable("neither telephone nor security question")
    return fails("active") if authenticator.listed["status"] == "ACTIVE" else passes("inactive")


@policy.check(
    SignOnRule,
    "medium",
    remediation="Limit the session's lifetime and idle time, without persistent cookies.",
)
def global_session_limits(
    rule: SignOnRule,
    scene: Scene,
    *,
    lifetime: int = criterion(720, "minutes"),
    idle: int = criterion(120, "minutes"),
) -> Verdict:
    """Sessions end in time and do not outlive the browser."""
    del scene
    signon = rule.listed["actions"]["signon"]
    if signon["access"] == "DENY":
        return not_applicable("the rule lets nobody in")
    session = signon["session"]
    wrong = []
    if not 0 < session["maxSessionLifetimeMinutes"] <= lifetime:
        wrong.append(f"lifetime {session['maxSessionLifetimeMinutes']} minutes, limit {lifetime}")
    if session["maxSessionIdleMinutes"] > idle:
        wrong.append(f"idle {session['maxSessionIdleMinutes']} minutes, limit {idle}")
    if session["usePersistentCookie"]:
        wrong.append("persistent cookies")
    return fails("; ".join(wrong)) if wrong else passes()


@policy.check(
    AccessRule,
    "critical",
    remediation="Ask for two factors in the rule, or let it deny access.",
)
def mfa_required_all_apps(rule: AccessRule, scene: Scene) -> Verdict:
    """Every rule that lets people into applications asks for two factors."""
    del scene
    sign_on = rule.listed["actions"]["appSignOn"]
    if sign_on["access"] == "DENY":
        return passes("access is denied")
    method = sign_on["verificationMethod"]
    if method["type"] != "ASSURANCE":
        return not_applicable(f"verified by {method['type']}")
    if method["factorMode"] not in {"1FA", "2FA"}:
        raise MalformedError("factorMode is neither 1FA nor 2FA")
    return passes() if method["factorMode"] == "2FA" else fails("one factor is enough")


@policy.check(
    PasswordPolicy,
    "medium",
    remediation="Raise the minimum length and history, and exclude common passwords.",
)
def password_length_and_history(
    policy: PasswordPolicy,
    scene: Scene,
    *,
    length: int = criterion(12, "characters"),
    history: int = criterion(4, "passwords"),
) -> Verdict:
    """Passwords are long, not common, and not used again."""
    del scene
    settings = policy.listed["settings"]["password"]
    complexity, age = settings["complexity"], settings["age"]
    wrong = []
    if complexity["minLength"] < length:
        wrong.append(f"length {complexity['minLength']}, limit {length}")
    if age["historyCount"] < history:
        wrong.append(f"history {age['historyCount']}, limit {history}")
    if not complexity.get("dictionary", {}).get("common", {}).get("exclude", False):
        wrong.append("common passwords are accepted")
    return fails("; ".join(wrong)) if wrong else passes()


@policy.check(
    PasswordPolicy,
    "low",
    remediation="Lock accounts after a few failed attempts.",
)
def password_lockout(
    policy: PasswordPolicy, scene: Scene, *, most: int = criterion(10, "attempts")
) -> Verdict:
    """Accounts are locked after a few failed attempts."""
    del scene
    attempts = policy.listed["settings"]["password"]["lockout"]["maxAttempts"]
    if 0 < attempts <= most:
        return passes(f"after {attempts}")
    return fails("never" if attempts == 0 else f"after {attempts}, limit {most}")


@users.check(
    User,
    "high",
    remediation="Have the person enrol a strong factor, or require it by an enrolment policy.",
)
def mfa_enrolled(user: User, scene: Scene) -> Verdict:
    """Everyone who can sign in has a strong factor."""
    del scene
    if not user.active:
        return not_applicable("cannot sign in")
    strong = {
        factor["factorType"]
        for factor in user.factors
        if factor["status"] == "ACTIVE" and factor["factorType"] not in WEAK_FACTORS
    }
    return passes(", ".join(sorted(strong))) if strong else fails("no strong factor")


@users.check(
    User,
    "medium",
    remediation="Deactivate the account, or say who needs it.",
)
def stale_accounts(user: User, scene: Scene, *, unused: int = criterion(90, "days")) -> Verdict:
    """Accounts that can sign in are used."""
    if not user.active:
        return not_applicable("cannot sign in")
    last = moment(user.listed.get("lastLogin") or user.listed["created"])
    if scene.at - last > timedelta(days=unused):
        return fails(f"not used since {last.date()}, limit {unused} days")
    return passes()


@users.check(
    User,
    "medium",
    remediation="Let the personnel system or the directory master the account.",
)
def sourced_from_hris(user: User, scene: Scene) -> Verdict:
    """Accounts of people come from the personnel system or a directory."""
    del scene
    provider = user.listed["provider"]
    if provider is None:
        raise MalformedError("the account names no provider")
    return fails("created in Okta") if provider == "OKTA" else passes(str(provider))
