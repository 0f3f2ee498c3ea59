"""`annexa alerts`: who is told, what waits or could not be delivered, silences."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import click

from annexa.cli import FAILS, OK
from annexa.cli.context import Context, common
from annexa.cli.render import Column, counted, json_text, say, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from annexa.alerts import Sink
    from annexa.alerts.messages import EndpointState
    from annexa.alerts.silences import Matcher, Silence
    from annexa.operations import Operations

ENDPOINTS: Final = (
    Column("endpoint", "ENDPOINT"),
    Column("kind", "KIND"),
    Column("place", "GOES TO", wide=True),
    Column("state", "STATE"),
    Column("pending", "PENDING", right=True),
    Column("oldest", "SINCE"),
    Column("dead", "DEAD", right=True),
    Column("last_delivered", "LAST DELIVERED"),
    Column("why", "LAST ERROR", wide=True),
)
MESSAGES: Final = (
    Column("id", "MESSAGE"),
    Column("endpoint", "ENDPOINT"),
    Column("status", "STATE"),
    Column("title", "ABOUT", wide=True),
    Column("type"),
    Column("created", "SINCE"),
    Column("tries", "TRIES", right=True),
    Column("next_at", "NEXT TRY"),
    Column("error", "LAST ERROR", wide=True),
)
TRIALS: Final = (Column("endpoint"), Column("delivered"), Column("place"), Column("error"))
SILENCES: Final = (
    Column("id", "SILENCE", right=True),
    Column("state", "STATE"),
    Column("about", "ABOUT", wide=True),
    Column("author", "BY"),
    Column("reason", "WHY", wide=True),
    Column("made", "SINCE"),
    Column("expires", "UNTIL"),
    Column("lifted", "LIFTED"),
    Column("lifted_by"),
)
NONE_CONFIGURED: Final = "nobody is told: add [[alerts.endpoints]] (annexa config example)"
MOST: Final = 20
"""Messages a table shows; JSON has them all."""


@click.group()
def alerts() -> None:
    """Who is told what changed; what waits, what could not be delivered; silences."""


def _operations(context: Context) -> AbstractContextManager[Operations]:
    from contextlib import closing  # noqa: PLC0415 - these commands only

    from annexa.operations import open_operations  # noqa: PLC0415

    return closing(open_operations(context.location))


def _sinks(context: Context) -> Mapping[str, Sink]:
    from annexa.alerts import sinks  # noqa: PLC0415 - these commands only

    return sinks(context.settings.alerts)


@alerts.command("list")
@common
@click.option("--all", "everything", is_flag=True, help="Delivered messages of 30 days as well.")
def list_alerts(context: Context, *, everything: bool) -> None:
    """Every endpoint with its state, and the messages that wait or are no longer tried."""
    from annexa.alerts import messages, outbox  # noqa: PLC0415 - this command only

    context.takes(why="alerts are one queue for all targets")
    wanted = [outbox.PENDING, outbox.DEAD] + ([outbox.DONE] if everything else [])
    with _operations(context) as operations:
        known = messages.states(operations)
        rows = [row.__dict__ for row in messages.listed(operations, wanted)]
    endpoints = list(_endpoints(_sinks(context), known))
    if context.layout == "json":
        click.echo(json_text({"endpoints": endpoints, "messages": rows}))
        return
    if context.layout == "csv":
        show(context.layout, MESSAGES, rows)
        return
    if endpoints:
        show(context.layout, ENDPOINTS, endpoints)
    else:
        say(NONE_CONFIGURED)
    if rows:
        say("")
        show(context.layout, MESSAGES, [_short(row) for row in rows[:MOST]])
        if len(rows) > MOST:
            say(f"… {len(rows) - MOST:,} more: annexa alerts list --format json")


def _endpoints(
    sinks: Mapping[str, Sink], known: Mapping[str, EndpointState]
) -> Iterator[dict[str, Any]]:
    from annexa.alerts.messages import EndpointState  # noqa: PLC0415 - these commands only

    for name in sorted(sinks.keys() | known.keys()):
        state, sink = known.get(name, EndpointState()), sinks.get(name)
        if sink is None and not state.pending and not state.dead:
            continue  # not configured any more, and owed nothing
        yield {
            "endpoint": name,
            "kind": sink.kind if sink else "",
            "place": sink.place if sink else "no longer configured",
            "state": state.word if sink else "gone",
            "pending": state.pending,
            "oldest": state.oldest,
            "dead": state.dead,
            "last_delivered": state.last_delivered,
            "failures": state.failures,
            "why": state.why,
        }


def _short(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "id": row["id"][:8]}


@alerts.command("test")
@common
@click.argument("endpoints", nargs=-1, metavar="[ENDPOINT]...")
def test_alerts(context: Context, endpoints: tuple[str, ...]) -> int:
    """Send a marked test event to every endpoint, or to those named, now; exit 1 if one fails."""
    from annexa.alerts import Answer, Message  # noqa: PLC0415 - this command only
    from annexa.alerts.events import message_id  # noqa: PLC0415
    from annexa.alerts.teller import trial  # noqa: PLC0415
    from config import SecretError  # noqa: PLC0415

    context.takes(why="name endpoints")
    sinks = _sinks(context)
    if strange := sorted(set(endpoints) - sinks.keys()):
        known = ", ".join(sorted(sinks)) or "none"
        raise click.UsageError(f"no endpoint is named {strange[0]!r}; configured: {known}")
    if not sinks:
        raise click.UsageError(NONE_CONFIGURED)
    now = datetime.now(UTC)
    settings, once = context.settings, secrets.token_hex(8)
    alert = trial(settings.organisation, settings.alerts.link, now)
    rows: list[dict[str, Any]] = []
    for name in sorted(endpoints or sinks):
        sink, message = sinks[name], Message(message_id(name, f"test\0{once}"), "test", now, alert)
        try:
            answer = sink.send(message, now)
        except SecretError as error:
            answer = Answer(delivered=False, error=str(error))
        row = {"endpoint": name, "place": sink.place, "error": answer.error}
        rows.append(row | {"delivered": answer.delivered})
        if context.layout == "table":
            said = "delivered" if answer.delivered else "not delivered"
            why = f": {answer.error}" if answer.error else ""
            click.echo(f"{name}: {said} to {sink.place}{why}", err=not answer.delivered)
    if context.layout != "table":
        show(context.layout, TRIALS, rows)
    return OK if all(row["delivered"] for row in rows) else FAILS


@alerts.command()
@common
@click.argument("message", required=False)
@click.option("--endpoint", help="All messages owed to this endpoint, which is enabled again.")
@click.option("--all", "everything", is_flag=True, help="All messages that are dead or wait.")
def retry(context: Context, message: str | None, endpoint: str | None, *, everything: bool) -> None:
    """Try messages again now: one by its id, an endpoint's, or all.

    Those that are dead, and those whose next try is later, begin their schedule anew; an endpoint
    that was disabled is enabled.
    """
    from annexa.alerts import messages  # noqa: PLC0415 - this command only

    context.takes(why="name a message or an endpoint")
    if sum(map(bool, (message, endpoint, everything))) != 1:
        raise click.UsageError("name a message's id, an --endpoint, or --all")
    if message is not None and len(message) < 8:
        raise click.UsageError("give at least the first 8 characters of the message's id")
    with _operations(context) as operations:
        known = {each.name for each in context.settings.alerts.endpoints}
        if endpoint is not None and endpoint not in known | messages.states(operations).keys():
            names = ", ".join(sorted(known)) or "none"
            raise click.UsageError(f"no endpoint is named {endpoint!r}; configured: {names}")
        number = messages.retry(operations, datetime.now(UTC), message, endpoint)
    if number:
        who = counted(number, "message")
        say(f"{who} will be tried again by the daemon, or now: annexa alerts send")
    elif endpoint is not None:
        say(f"endpoint {endpoint} is enabled; nothing was owed to it")
    else:
        raise click.UsageError(
            "no message is meant that is dead or waits; see `annexa alerts list`"
        )


@alerts.command()
@common
def send(context: Context) -> int:
    """Send what is due now, as the daemon does all the time; exit 1 if something is not taken."""
    from annexa.alerts import Sender  # noqa: PLC0415 - this command only
    from annexa.cli.sweep import stopped_by_signals  # noqa: PLC0415

    context.takes(why="alerts are one queue for all targets")
    with context.store() as store:
        source = store.origin
    with _operations(context) as operations, stopped_by_signals() as stop:
        sender = Sender(operations, source, _sinks(context), lambda: datetime.now(UTC))
        sender.run(stop)
    delivered = sender.sent["delivered"]
    rest = sender.sent.total() - delivered
    say(f"{counted(delivered, 'message')} delivered, {rest} not: annexa alerts list")
    return FAILS if rest else OK


class Span(click.ParamType[timedelta]):
    """A time span such as 12h or 7d."""

    name = "span"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read it as the configuration does."""
        from config.values import seconds  # noqa: PLC0415 - when needed

        try:
            return seconds(value)
        except ValueError:
            self.fail(f"{value!r} is no time span; write 12h or 7d", param, ctx)


@alerts.command()
@common
@click.option("--event", default="*", help="Only this type of event, such as 'finding.*'.")
@click.option("--control", default="*", help="Only this control.")
@click.option("--check", default="*", help="Only this check, such as 'aws.s3.*'.")
@click.option("--resource", default="*", help="Only this resource; * stands for anything.")
@click.option("--for", "span", type=Span(), required=True, help="How long, such as 12h or 7d.")
@click.option("--reason", required=True, help="Why, with a ticket; kept for good.")
@click.option("--by", help="Who decides it; by default you, as the access log names you.")
def silence(  # noqa: PLR0917 - one parameter an option
    context: Context,
    event: str,
    control: str,
    check: str,
    resource: str,
    span: timedelta,
    reason: str,
    by: str | None,
) -> None:
    """Tell nobody of some events for a time; judging goes on, and a failed verification is told.

    What still fires when the silence ends is told then. Silences are kept as evidence.
    """
    from annexa.alerts import silences  # noqa: PLC0415 - this command only
    from annexa.principal import principal  # noqa: PLC0415

    context.takes("target", why="use --check")
    if len(context.targets) > 1:
        raise click.UsageError("one silence is of one --target, or of a pattern")
    target = context.targets[0] if context.targets else "*"
    matcher = silences.Matcher(event, control, target, check, resource)
    if matcher == silences.Matcher():
        raise click.UsageError("say what is to be silent: --event, --control, --target, --check…")
    if not reason.strip():
        raise click.UsageError("--reason is empty")
    _known(context, matcher)
    now = datetime.now(UTC)
    who = by or principal(context.settings)
    with _operations(context) as operations:
        number = silences.add(operations, matcher, who, reason.strip(), now, now + span)
    say(f"silence {number} until {now + span:%Y-%m-%d %H:%M} UTC: {matcher.words}")


def _known(context: Context, matcher: Matcher) -> None:
    """A silence that means nothing is found out now, not in the night it was made for.

    Checks and targets may come later, with a plugin or an organisation's new account.
    """
    from fnmatch import fnmatchcase  # noqa: PLC0415 - this command only

    from annexa.alerts.events import TYPES  # noqa: PLC0415 - this command only

    targets = context.settings.targets
    for name, pattern, there, closed in (
        ("event", matcher.type, [*TYPES], True),
        ("control", matcher.control, [*context.framework.controls], True),
        ("check", matcher.check, [*context.framework.checks], False),
        ("target", matcher.target, [*targets, *(f"{t.platform}/{n}" for n, t in targets.items())],
         False),
    ):  # fmt: skip
        if pattern == "*" or any(fnmatchcase(each, pattern) for each in there):
            continue
        if closed:
            raise click.UsageError(f"--{name} {pattern} is none there is")
        say(f"--{name} {pattern} means none that is known yet", "yellow", err=True)


@alerts.command("silences")
@common
def list_silences(context: Context) -> None:
    """Every silence there ever was, the newest first."""
    from annexa.alerts import silences  # noqa: PLC0415 - this command only

    context.takes(why="a silence names its target itself")
    now = datetime.now(UTC)
    with _operations(context) as operations:
        rows = [_silence(each, now) for each in silences.kept(operations)]
    if not rows and context.layout == "table":
        say("nothing was ever silenced")
        return
    show(context.layout, SILENCES, rows)


def _silence(each: Silence, now: datetime) -> dict[str, Any]:
    word = "in force" if each.holds(now) else "lifted" if each.lifted else "expired"
    return {**each.__dict__, "about": each.matcher.words, "state": word}


@alerts.command()
@common
@click.argument("number", type=int)
@click.option("--by", help="Who decides it; by default you, as the access log names you.")
def unsilence(context: Context, number: int, by: str | None) -> None:
    """End a silence before its time; it stays listed."""
    from annexa.alerts import silences  # noqa: PLC0415 - this command only
    from annexa.principal import principal  # noqa: PLC0415

    context.takes(why="name the silence by its number")
    who = by or principal(context.settings)
    with _operations(context) as operations:
        if not silences.lift(operations, number, who, datetime.now(UTC)):
            raise click.UsageError(f"no silence {number} is in force; see `annexa alerts silences`")
    say(f"silence {number} is lifted")
