"""Cloud Logging: what is logged, where it goes, how long it is kept, and who is woken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from collectors import (
    Cause,
    Collector,
    Scene,
    Verdict,
    criterion,
    fails,
    not_applicable,
    passes,
    unknown,
)
from collectors.gcp.containers import Organization, Project
from collectors.gcp.iam import Policy, audited, policies_above
from collectors.gcp.values import Asset

logging = Collector("gcp.logging", title="Cloud Logging", reads_from="logging")

WANTED: Final = ("ADMIN_READ", "DATA_READ", "DATA_WRITE")


class LogSink(Asset, kind="gcp.logging.sink"):
    """A sink; who may write where it leads to is not kept."""

    asset_type = "logging.googleapis.com/LogSink"
    keeps = (
        "name", "destination", "filter", "exclusions", "disabled", "includeChildren",
        "interceptChildren",
    )  # fmt: skip


class LogBucket(Asset, kind="gcp.logging.bucket"):
    """A bucket of logs."""

    asset_type = "logging.googleapis.com/LogBucket"
    keeps = ("name", "retentionDays", "locked", "lifecycleState", "cmekSettings")


class LogMetric(Asset, kind="gcp.logging.metric"):
    """A metric that counts log entries."""

    asset_type = "logging.googleapis.com/LogMetric"
    keeps = ("name", "filter", "disabled", "bucketName")


class AlertPolicy(Asset, kind="gcp.monitoring.alert_policy"):
    """An alert policy."""

    asset_type = "monitoring.googleapis.com/AlertPolicy"
    keeps = ("name", "displayName", "enabled", "conditions", "notificationChannels")


@logging.check(
    Project,
    "high",
    also=(Policy,),
    remediation="Log ADMIN_READ, DATA_READ and DATA_WRITE of allServices at the organisation.",
)
def audit_logs_all_services(project: Project, scene: Scene) -> Verdict:
    """Reads and writes of every service are logged, of everybody.

    Google logs what either the project or anything it is in demands.
    https://docs.cloud.google.com/logging/docs/audit/configure-data-access
    """
    if not project.live:
        return not_applicable("the project is being deleted")
    logged = {kind for policy in policies_above(project, scene) for kind in audited(policy)}
    missing = [kind for kind in WANTED if kind not in logged]
    if not missing:
        return passes()
    top = project.listed["ancestors"][-1]
    # An organisation always has a policy: without it, the target is a folder or project below.
    if scene.one(Policy, project.inside[-1]) is None:
        return unknown(Cause.NOT_ASKED, f"what {top} logs is outside of this target's scope")
    return fails(f"not logged: {', '.join(missing)}")


@logging.check(
    Organization,
    "high",
    also=(LogSink,),
    remediation="Add a sink without filter to the organisation that includes its children.",
)
def sink_exports_all(organization: Organization, scene: Scene) -> Verdict:
    """A sink of the organisation carries every log entry to where they are kept."""
    own = scene.beside(LogSink, organization.scope)
    whole = sorted(sink.name for sink in own if _everything(sink))
    return passes(whole[0]) if whole else fails("no sink of the organisation exports everything")


def _everything(sink: LogSink) -> bool:
    children = sink.flag("includeChildren") or sink.flag("interceptChildren")
    excluded = any(not each.get("disabled") for each in sink.rows("exclusions"))
    return children and not excluded and not sink.flag("disabled") and not sink.text("filter")


@logging.check(LogBucket, "medium", remediation="Raise the bucket's retention.")
def bucket_retention(
    bucket: LogBucket, _: Scene, *, least: int = criterion(365, "days")
) -> Verdict:
    """Logs are kept for the time that was decided."""
    if bucket.text("lifecycleState") == "DELETE_REQUESTED":
        return not_applicable("the bucket is being deleted")
    days = bucket.number("retentionDays") or 30  # what applies where none is set
    words = f"{days} days, at least {least}"
    return passes(words) if days >= least else fails(words)


@logging.check(LogBucket, "medium", remediation="Lock the bucket; that cannot be undone.")
def bucket_locked(bucket: LogBucket, _: Scene) -> Verdict:
    """Nobody can shorten the retention of the logs or delete them early."""
    if bucket.text("lifecycleState") == "DELETE_REQUESTED":
        return not_applicable("the bucket is being deleted")
    if bucket.name == "_Required":
        return passes("Google fixes this bucket's retention")
    return passes() if bucket.flag("locked") else fails("the bucket is not locked")


def _watched(project: Project, scene: Scene, *words: str) -> Verdict:
    """Whether a metric whose filter holds these words feeds an alert of the project that is on.

    The words are those of the CIS benchmark's filters; how they are joined is left to their author.
    """
    if not project.live:
        return not_applicable("the project is being deleted")
    metrics = {
        metric.name
        for metric in scene.beside(LogMetric, project.scope)
        if not metric.flag("disabled") and all(word in metric.text("filter") for word in words)
    }
    if not metrics:
        return fails("no metric counts it")
    alerts = scene.beside(AlertPolicy, project.scope)
    if any(metrics & _counted(alert) for alert in alerts if alert.flag("enabled", default=True)):
        return passes()
    return fails(f"no alert watches the metric {min(metrics)}")


def _counted(alert: AlertPolicy) -> set[str]:
    """The metrics of logs that an alert's conditions look at."""
    found = set()
    for condition in alert.rows("conditions"):
        for kind in ("conditionThreshold", "conditionAbsent"):
            inside = condition.get(kind)
            filters = str(inside.get("filter", "")) if isinstance(inside, Mapping) else ""
            found.add(filters.partition("logging.googleapis.com/user/")[2].partition('"')[0])
    return found - {""}


REMEDY: Final = "Add a log-based metric with this filter and an alert policy on it."


@logging.check(Project, "medium", also=(LogMetric, AlertPolicy), remediation=REMEDY)
def metric_alert_project_ownership(project: Project, scene: Scene) -> Verdict:
    """Somebody is told when an owner is added or removed."""
    return _watched(project, scene, "ProjectOwnership", "roles/owner")


@logging.check(Project, "medium", also=(LogMetric, AlertPolicy), remediation=REMEDY)
def metric_alert_audit_config(project: Project, scene: Scene) -> Verdict:
    """Somebody is told when what is logged changes."""
    return _watched(project, scene, "SetIamPolicy", "auditConfigDeltas")


@logging.check(Project, "low", also=(LogMetric, AlertPolicy), remediation=REMEDY)
def metric_alert_custom_roles(project: Project, scene: Scene) -> Verdict:
    """Somebody is told when a custom role changes."""
    return _watched(project, scene, "iam_role", "UpdateRole")


@logging.check(Project, "medium", also=(LogMetric, AlertPolicy), remediation=REMEDY)
def metric_alert_firewall(project: Project, scene: Scene) -> Verdict:
    """Somebody is told when a firewall rule changes."""
    return _watched(project, scene, "gce_firewall_rule", "firewalls.")


@logging.check(Project, "low", also=(LogMetric, AlertPolicy), remediation=REMEDY)
def metric_alert_network(project: Project, scene: Scene) -> Verdict:
    """Somebody is told when a network changes."""
    return _watched(project, scene, "gce_network", "networks.")


@logging.check(Project, "medium", also=(LogMetric, AlertPolicy), remediation=REMEDY)
def metric_alert_bucket_iam(project: Project, scene: Scene) -> Verdict:
    """Somebody is told when the permissions of a bucket change."""
    return _watched(project, scene, "gcs_bucket", "storage.setIamPermissions")


@logging.check(Project, "low", also=(LogMetric, AlertPolicy), remediation=REMEDY)
def metric_alert_sql_config(project: Project, scene: Scene) -> Verdict:
    """Somebody is told when a database instance changes."""
    return _watched(project, scene, "cloudsql.instances.update")
