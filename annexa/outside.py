"""What the configuration says about holders and authorities, as the evidence store takes it."""

from __future__ import annotations

from config.outside import DirectoryOutside, GitOutside, OutsideHolder, S3Outside
from config.settings import Settings
from evidence_store.outside import Holder, Outside


def outside(settings: Settings) -> Outside:
    """Everybody configured outside; nobody is asked, and no SDK imported, before it is needed."""
    from evidence_store.outside.authority import TimeStampAuthority  # noqa: PLC0415 - as needed

    store = settings.store
    return Outside(
        tuple(_holder(each) for each in store.outside),
        tuple(
            TimeStampAuthority(
                each.name,
                each.url,
                each.ca_file,
                tls_ca_file=str(each.tls_ca_file) if each.tls_ca_file else None,
                allow_http=each.allow_http,
            )
            for each in store.timestamps
        ),
    )


def _holder(each: OutsideHolder) -> Holder:
    if isinstance(each, DirectoryOutside):
        from evidence_store.outside.directory import DirectoryHolder  # noqa: PLC0415

        return DirectoryHolder(each.name, each.path)
    if isinstance(each, S3Outside):
        from evidence_store.outside.s3 import S3Holder  # noqa: PLC0415

        return S3Holder(
            each.name,
            each.bucket,
            each.retention,
            prefix=each.prefix,
            region=each.region,
            profile=each.profile,
            endpoint_url=each.endpoint_url,
            ca_file=str(each.ca_file) if each.ca_file else None,
            mode=each.mode,
        )
    if isinstance(each, GitOutside):
        from evidence_store.outside.git import GitHolder  # noqa: PLC0415

        return GitHolder(each.name, each.url, each.branch, each.ssh_key)
    from evidence_store.outside.webhook import WebhookHolder  # noqa: PLC0415

    return WebhookHolder(
        each.name,
        each.url,
        each.read_url,
        token=each.token.get if each.token else None,
        ca_file=str(each.ca_file) if each.ca_file else None,
        allow_http=each.allow_http,
    )
