"""The outbox and its senders, on both databases, against a receiver over real sockets."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from standardwebhooks import Webhook

from annexa.alerts import Alert, Answer, Sender, messages, outbox, settling
from annexa.alerts.events import message_id
from annexa.alerts.webhook import WebhookSink
from annexa.operations import Operations, open_operations
from annexa.operations.tables import alert_endpoints
from annexa.operations.tables import outbox as table
from evidence_store import Location
from tests.annexa.alerts.conftest import LOOPBACK, NOON, Clock, Receiver, alert

OLD, NEW = "whsec_" + "QUJD" * 8, "whsec_" + "REVG" * 8
LEASE = timedelta(seconds=60)


def put(operations: Operations, *transitions: str, to: tuple[str, ...] = ("one",)) -> None:
    with operations.writing("test") as connection:
        for each in transitions:
            outbox.put(connection, to, alert(title=each, group=each), each, NOON)


def claim(operations: Operations, clock: Clock, most: int = 8) -> list[outbox.Claimed]:
    return outbox.claim(operations, "l", ["one", "two"], clock.now, most=most, lease=LEASE)


def settle(
    operations: Operations, claimed: outbox.Claimed, answer: Answer, clock: Clock
) -> settling.Settled | None:
    others = ["one", "two"]
    return settling.settle(operations, claimed, answer, clock.now, others, jitter=lambda: 1.0)


def statuses(operations: Operations) -> Counter[tuple[str, str]]:
    with operations.reading() as connection:
        rows = connection.execute(sa.select(table.c.endpoint, table.c.status)).all()
    return Counter((row.endpoint, row.status) for row in rows)


FAILED = Answer(delivered=False, error="answered 500")


def test_a_transition_is_put_down_once_for_each_endpoint(operations: Operations) -> None:
    put(operations, "a", to=("one", "two"))
    put(operations, "a", "b", to=("one", "two"))
    ids = [row.id for row in messages.listed(operations)]
    assert len(ids) == len(set(ids)) == 4
    assert message_id("one", "a") in ids
    assert message_id("one", "a") != message_id("two", "a")


def test_what_is_rolled_back_is_never_sent(operations: Operations, clock: Clock) -> None:
    class CrashError(Exception):
        pass

    def crash() -> None:
        with operations.writing("test") as connection:
            outbox.put(connection, ["one"], alert(), "a", NOON)
            raise CrashError

    with pytest.raises(CrashError):
        crash()
    assert claim(operations, clock) == []


def test_what_one_sender_claimed_no_other_gets_before_the_lease_ends(
    operations: Operations, clock: Clock
) -> None:
    put(operations, *"abc")
    first = claim(operations, clock, 2)
    second = claim(operations, clock, 2)
    assert (len(first), len(second)) == (2, 1)
    clock.forward(seconds=61)
    again = claim(operations, clock)
    assert {each.message.id for each in again} == {each.message.id for each in (*first, *second)}
    assert [each.attempt for each in again] == [2, 2, 2]


def test_a_sender_whose_lease_ran_out_settles_nothing(operations: Operations, clock: Clock) -> None:
    put(operations, "a")
    (slow,) = claim(operations, clock)
    clock.forward(seconds=61)
    (fast,) = claim(operations, clock)
    assert settle(operations, slow, FAILED, clock) is None
    assert settle(operations, fast, Answer(delivered=True), clock) == settling.Settled("delivered")
    assert settle(operations, slow, Answer(delivered=True), clock) is None
    assert messages.states(operations)["one"].failures == 0


def test_failures_wait_longer_each_time_and_end_as_dead_which_others_are_told(
    operations: Operations, clock: Clock
) -> None:
    put(operations, "a")
    waits = []
    while claimed := claim(operations, clock, 1):
        settled = settle(operations, claimed[0], FAILED, clock)
        assert settled is not None
        if settled.status == "dead":
            break
        (row,) = messages.listed(operations)
        waits.append(row.next_at - clock.now)
        clock.now = row.next_at + settling.CIRCUIT
    assert tuple(waits) == settling.DELAYS
    assert timedelta(days=2) < sum(waits, timedelta()) < timedelta(days=4)
    assert statuses(operations) == {("one", "dead"): 1, ("two", "pending"): 1}
    told = messages.listed(operations, ["pending"])[0]
    assert told.type == "delivery.message.dead"
    assert messages.retry(operations, clock.now, told.id[:8]) == 0, "it is not dead"
    (dead,) = messages.listed(operations, ["dead"])
    assert messages.retry(operations, clock.now, dead.id[:8]) == 1
    again = [each for each in claim(operations, clock) if each.endpoint == "one"]
    assert again[0].tries == 1
    assert again[0].attempt == len(waits) + 2


def test_a_receiver_may_ask_for_time_and_jitter_spreads_the_rest(
    operations: Operations, clock: Clock
) -> None:
    put(operations, "a")
    (claimed,) = claim(operations, clock)
    settle(operations, claimed, Answer(delivered=False, retry_after=1234), clock)
    assert messages.listed(operations)[0].next_at == clock.now + timedelta(seconds=1234)
    half = settling._wait(2, FAILED, lambda: 0.0)
    assert half == settling.DELAYS[1] / 2
    long = Answer(delivered=False, retry_after=1e9)
    assert settling._wait(1, long, lambda: 0.0) == settling.LONGEST_WAIT


def test_what_recovered_never_arrives_before_what_failed(
    operations: Operations, clock: Clock
) -> None:
    """A receiver that opens incidents would keep that one open for good."""
    with operations.writing("test") as connection:
        for status, when in (("firing", NOON), ("resolved", NOON + timedelta(hours=1))):
            told = alert(title=status, status=status, group="finding/A.8.24")
            outbox.put(connection, ["one", "two"], told, status, when)
        outbox.put(connection, ["one"], alert(title="other", group="o"), "o", NOON)
    clock.forward(hours=2)
    first = claim(operations, clock)
    assert sorted(each.message.alert.title for each in first) == ["firing", "firing", "other"]
    for each in first:
        bad = (each.endpoint, each.message.alert.title) == ("one", "firing")
        settle(operations, each, FAILED if bad else Answer(delivered=True), clock)
    for endpoint, title in (("two", "resolved"), ("one", "firing"), ("one", "resolved")):
        (claimed,) = claim(operations, clock)
        assert (claimed.endpoint, claimed.message.alert.title) == (endpoint, title)
        settle(operations, claimed, Answer(delivered=True), clock)
        clock.forward(minutes=1)


def test_after_an_outage_what_waits_is_sent_at_once_the_oldest_first(
    operations: Operations, clock: Clock
) -> None:
    for minute, each in enumerate("abcdef"):
        with operations.writing("test") as connection:
            put_at = NOON + timedelta(minutes=minute)
            outbox.put(connection, ["one"], alert(title=each, group=each), each, put_at)
    clock.forward(hours=1)
    for each in claim(operations, clock):
        late = Answer(delivered=False, retry_after=36_000)
        settle(operations, each, FAILED if each.message.alert.title == "a" else late, clock)
    clock.forward(minutes=2)
    (probe,) = claim(operations, clock)
    settle(operations, probe, Answer(delivered=True), clock)
    assert [each.message.alert.title for each in claim(operations, clock)] == list("bcdef")


def test_no_transaction_is_open_while_a_receiver_is_spoken_to(
    operations: Operations, clock: Clock, location: Location
) -> None:
    other = open_operations(location)
    query = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%%'"

    class Sink(WebhookSink):
        def send(self, message: Any, _now: Any) -> Answer:
            with other.writing("outbox one") as connection:  # waits for nobody, or fails
                outbox.put(connection, ["two"], message.alert, message.id, NOON)
                if connection.dialect.name == "postgresql":
                    assert connection.exec_driver_sql(query).scalar() == 0
            return Answer(delivered=True)

    put(operations, "a")
    sinks = {"one": Sink("one", "https://a.example", [lambda: NEW], LOOPBACK)}
    assert Sender(operations, "annexa/test", sinks, clock).run(threading.Event()) == 1
    assert statuses(operations) == {("one", "delivered"): 1, ("two", "pending"): 1}
    other.close()


def test_whom_a_mail_server_refused_stays_to_be_seen(operations: Operations, clock: Clock) -> None:
    put(operations, "a")
    (claimed,) = claim(operations, clock)
    refused = Answer(delivered=True, error="mail.example refused c@acme.example")
    settle(operations, claimed, refused, clock)
    (row,) = messages.listed(operations, ["delivered"])
    assert row.error == messages.states(operations)["one"].why == refused.error
    assert messages.states(operations)["one"].word == "good"


def test_five_failures_open_the_circuit_for_a_minute(operations: Operations, clock: Clock) -> None:
    put(operations, *"abcdef")
    for each in claim(operations, clock, 5):
        settle(operations, each, FAILED, clock)
    assert claim(operations, clock) == []
    assert not outbox.waiting(operations, clock.now, ["one"])
    clock.forward(seconds=61)
    assert len(claim(operations, clock)) == 6
    assert messages.states(operations)["one"].word == "failing"


def test_an_endpoint_that_is_gone_is_disabled_and_the_others_are_told_once(
    operations: Operations, clock: Clock
) -> None:
    put(operations, "a", "b")
    for each in claim(operations, clock):
        settle(operations, each, Answer(delivered=False, error="answered 410", gone=True), clock)
    put(operations, "c")
    assert {each.endpoint for each in claim(operations, clock)} == {"two"}
    told = [row.type for row in messages.listed(operations) if row.endpoint == "two"]
    assert told == ["delivery.endpoint.disabled"]
    assert messages.states(operations)["one"].word == "disabled"
    assert messages.retry(operations, clock.now, endpoint="one") == 2
    assert len(claim(operations, clock)) == 3


def test_what_waits_for_hours_can_be_tried_now_and_what_is_being_sent_is_left_alone(
    operations: Operations, clock: Clock
) -> None:
    put(operations, "a", "b")
    waiting, sent = claim(operations, clock)
    late = Answer(delivered=False, retry_after=36_000)
    settle(operations, waiting, late, clock)
    assert messages.retry(operations, clock.now, waiting.message.id[:8]) == 1
    (again,) = claim(operations, clock)
    assert (again.message.id, again.tries) == (waiting.message.id, 1)
    assert messages.retry(operations, clock.now) == 0
    assert settle(operations, sent, Answer(delivered=True), clock)


def test_delivered_messages_are_forgotten_after_a_while_and_dead_ones_never(
    operations: Operations, clock: Clock
) -> None:
    put(operations, "a", "b")
    one, two = claim(operations, clock)
    settle(operations, one, Answer(delivered=True), clock)
    settle(operations, two, Answer(delivered=False, gone=True), clock)
    assert messages.forget(operations, clock.now) == 0
    assert messages.forget(operations, clock.now + timedelta(days=31)) == 1
    assert statuses(operations)["one", "dead"] == 1


def test_two_senders_deliver_everything_to_a_receiver_that_fails_two_of_seven(
    operations: Operations, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "DELAYS", (timedelta(0),) * 9)
    monkeypatch.setattr(settling, "FAILURES", 1000)
    receiver.every = [500, 429, 204, 204, 204, 204, 204]
    receiver.headers = {"retry-after": "0"}
    sent = [f"t{n}" for n in range(60)]
    put(operations, *sent)
    clock = Clock()

    def work() -> None:
        sinks = {"one": WebhookSink("one", receiver.url, [lambda: NEW, lambda: OLD], LOOPBACK)}
        Sender(operations, "annexa/test", sinks, clock).run(threading.Event())

    threads = [threading.Thread(target=work) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    ids = Counter(each.headers["webhook-id"] for each in receiver.taken)
    assert set(ids) == {message_id("one", each) for each in sent}
    assert set(ids.values()) == {1}
    assert len(receiver.got) > 60
    assert statuses(operations) == {("one", "delivered"): 60}


def test_what_comes_up_while_sending_is_sent_as_well(
    operations: Operations, receiver: Receiver, clock: Clock
) -> None:
    put(operations, "a", to=("two",))
    receiver.codes = [410]
    sinks = {each: WebhookSink(each, receiver.url, [lambda: NEW], LOOPBACK)
             for each in ("one", "two")}  # fmt: skip
    assert Sender(operations, "annexa/test", sinks, clock).run(threading.Event()) == 2
    assert receiver.taken[0].json["type"] == "delivery.endpoint.disabled"


def test_no_secret_lies_in_the_outbox_whatever_goes_wrong(
    operations: Operations, clock: Clock
) -> None:
    def secret() -> str:
        return "canary-secret"

    put(operations, "a", "b")
    sinks = {"one": WebhookSink("one", "https://192.0.2.1/canary-path", [secret], LOOPBACK)}
    assert Sender(operations, "annexa/test", sinks, clock).run(threading.Event()) == 2
    with operations.reading() as connection:
        kept = str(connection.execute(sa.select(table)).all())
        kept += str(connection.execute(sa.select(alert_endpoints)).all())
    assert "whsec_" in kept
    assert "canary" not in kept
    assert "canary" not in repr(sinks["one"]).replace("https://192.0.2.1/canary-path", "")


def test_a_message_that_breaks_its_sink_stops_none_behind_it_and_ends_as_dead(
    operations: Operations, receiver: Receiver, clock: Clock
) -> None:
    class Sink(WebhookSink):
        def send(self, message: Any, now: Any) -> Answer:
            if message.alert.title == "a":
                raise ZeroDivisionError("canary")
            return super().send(message, now)

    put(operations, *"abcd")
    sinks = {"one": Sink("one", receiver.url, [lambda: NEW], LOOPBACK)}
    sender = Sender(operations, "annexa/test", sinks, clock)
    assert sender.run(threading.Event()) == 4
    assert len(receiver.taken) == 3
    (row,) = messages.listed(operations)
    assert row.error.startswith("defect: ZeroDivisionError in test_outbox.py:")
    while row.status == "pending":
        clock.now = row.next_at + settling.CIRCUIT
        sender.run(threading.Event())
        (row,) = messages.listed(operations)
    assert row.tries == len(settling.DELAYS) + 1


def test_an_independent_library_verifies_old_and_new_secret(receiver: Receiver) -> None:
    sink = WebhookSink("one", receiver.url, [lambda: NEW, lambda: OLD], LOOPBACK)
    from datetime import UTC, datetime  # noqa: PLC0415 - the library looks at the real time

    from tests.annexa.alerts.conftest import message  # noqa: PLC0415

    answer = sink.send(message(), datetime.now(UTC))
    assert answer == Answer(delivered=True)
    (got,) = receiver.got
    for each in (NEW, OLD):
        Webhook(each).verify(got.body, got.headers)
    with pytest.raises(Exception, match="matching signature"):
        Webhook("whsec_" + "WFla" * 8).verify(got.body, got.headers)
    with pytest.raises(Exception, match="matching signature"):
        Webhook(NEW).verify(got.body + b" ", got.headers)


def test_a_sender_that_is_told_to_stop_holds_nothing_it_has_not_begun(
    operations: Operations, receiver: Receiver, clock: Clock
) -> None:
    put(operations, *"abcd")
    stop = threading.Event()

    class Sink(WebhookSink):
        def send(self, *given: Any) -> Answer:
            stop.set()
            return super().send(*given)

    sinks = {"one": Sink("one", receiver.url, [lambda: NEW], LOOPBACK)}
    assert Sender(operations, "annexa/test", sinks, clock).run(stop) == 1
    assert len(claim(operations, clock)) == 3


def test_an_alert_survives_the_outbox(operations: Operations, clock: Clock) -> None:
    told = alert(resources=[{"id": "ü", "check": "c", "reason": "\u2028"}])
    with operations.writing("test") as connection:
        outbox.put(connection, ["one"], told, "a", NOON)
    (claimed,) = claim(operations, clock)
    assert claimed.message.alert == Alert.read(told.text())
    assert claimed.message.alert.text() == told.text()
