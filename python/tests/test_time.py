"""Virtual time in the process of a test."""

import asyncio
import datetime
import subprocess
import sys
import threading
import time
import uuid
from datetime import datetime as imported_datetime
from time import sleep as imported_sleep

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError, WaiterError

import dsql_sim


def test_sleeping_lets_virtual_time_pass_and_no_other(dsql):
    before = time.monotonic(), time.time(), datetime.datetime.now(datetime.timezone.utc), time.perf_counter()
    time.sleep(3600)
    imported_sleep(0.5)
    after = time.monotonic(), time.time(), imported_datetime.now(datetime.timezone.utc), time.perf_counter()
    assert [round(after[at] - before[at], 6) for at in (0, 1, 3)] == [3600.5] * 3
    assert after[2] - before[2] == datetime.timedelta(seconds=3600.5)
    assert dsql.elapsed() == 3600.5


def test_the_day_begins_when_the_simulation_does(dsql):
    assert datetime.datetime.now(datetime.timezone.utc).isoformat() == "2026-01-01T00:00:00+00:00"
    assert datetime.datetime.utcnow() == datetime.datetime(2026, 1, 1)
    assert time.gmtime()[:6] == (2026, 1, 1, 0, 0, 0)
    dsql.advance("36h")
    assert imported_datetime.now(datetime.timezone.utc).date() == datetime.date(2026, 1, 2)
    assert time.time_ns() == 1767225600_000000000 + 36 * 3600_000000000
    dsql.advance(datetime.timedelta(seconds=1))
    dsql.advance(2)
    assert dsql.elapsed() == 36 * 3600 + 3


def test_a_date_is_one_whichever_class_made_it(dsql):
    now = datetime.datetime.now()
    assert isinstance(now, datetime.datetime) and isinstance(now, datetime.date)
    assert type(datetime.datetime(2026, 1, 1)) is type(now) is type(datetime.datetime.fromtimestamp(0))
    assert isinstance(datetime.date.today(), datetime.date)
    assert not isinstance(datetime.date.today(), datetime.datetime)
    assert not isinstance("2026", datetime.datetime) and issubclass(type(now), datetime.date)


def test_a_loop_that_waits_without_sleeping_ends(dsql):
    limit = time.monotonic() + 0.5
    while time.monotonic() < limit:
        pass
    assert dsql.elapsed() >= 0.5


def test_a_waiter_polls_in_virtual_time(dsql):
    client = dsql.client("us-east-1")
    identifier = client.create_cluster()["identifier"]
    client.get_waiter("cluster_active").wait(identifier=identifier)
    assert client.get_cluster(identifier=identifier)["status"] == "ACTIVE"
    assert 2 < dsql.elapsed() < 240
    # A waiter of two minutes, in vain.
    properties = {"witnessRegion": "us-west-2"}
    alone = client.create_cluster(multiRegionProperties=properties)["identifier"]
    before = dsql.elapsed()
    with pytest.raises(WaiterError):
        client.get_waiter("cluster_active").wait(identifier=alone)
    assert 118 < dsql.elapsed() - before < 130


@pytest.mark.parametrize("mode", ["legacy", "standard"])
def test_retries_back_off_in_virtual_time(dsql, mode):
    client = dsql.client("us-east-1", config=Config(retries={"mode": mode, "total_max_attempts": 4}))
    dsql.faults("throttle us-east-1 ListClusters times=3")
    client.list_clusters()
    assert 0.05 < dsql.elapsed() < 60


def test_a_lost_answer_costs_the_read_timeout_of_the_client(dsql):
    config = Config(read_timeout=7, retries={"total_max_attempts": 1})
    client = dsql.client("us-east-1", config=config)
    dsql.faults("drop us-east-1->client-1 times=1")
    with pytest.raises(ReadTimeoutError):
        client.list_clusters()
    assert dsql.elapsed() == 7
    assert client.list_clusters()["clusters"] == []
    dsql.crash("us-east-1")
    before = dsql.elapsed()
    with pytest.raises(ConnectionClosedError):
        client.list_clusters()
    assert dsql.elapsed() - before < 1


def test_a_client_of_the_code_under_test_is_virtual_as_well(dsql):
    client = boto3.client("dsql", region_name="eu-west-1")
    client.create_cluster()
    assert len(dsql.state()["eu-west-1"]) == 1


def test_tokens_come_from_the_seed():
    def draw(seed):
        with dsql_sim.simulation(seed) as dsql:
            client = dsql.client("us-east-1")
            sent = []
            client.meta.events.register("before-call", lambda params, **_: sent.append(params["body"]))
            client.create_cluster()
            return uuid.uuid4(), sent, dsql.verdict().hash

    assert draw(7) == draw(7)
    assert draw(7)[0] != draw(8)[0] and draw(7)[1] != draw(8)[1]
    assert uuid.uuid4() != uuid.uuid4()


def test_everything_is_real_again_behind_the_block():
    kept = time.sleep, time.time, datetime.datetime, datetime.date, uuid.uuid4, imported_sleep
    with dsql_sim.simulation():
        assert time.sleep is not kept[0] and datetime.datetime is not kept[2]
        assert imported_sleep is not kept[5]
    assert (time.sleep, time.time, datetime.datetime, datetime.date, uuid.uuid4, imported_sleep) == kept
    assert abs(datetime.datetime.now().timestamp() - time.time()) < 60


def test_a_sleep_in_another_thread_fails_the_test():
    with pytest.raises(dsql_sim.VirtualTimeError, match="in the thread worker"):
        with dsql_sim.simulation():
            raised = []

            def work():
                try:
                    time.sleep(1)
                except dsql_sim.VirtualTimeError as error:
                    raised.append(error)

            thread = threading.Thread(target=work, name="worker")
            thread.start()
            thread.join()
            assert len(raised) == 1


def test_asyncio_keeps_the_real_clock_and_says_so():
    async def wait(seconds):
        await asyncio.sleep(seconds)
        return time.monotonic()

    with dsql_sim.simulation() as dsql:
        dsql.advance(5)
        assert asyncio.run(wait(0)) == 5
    with pytest.raises(dsql_sim.VirtualTimeError, match="real time"):
        with dsql_sim.simulation():
            asyncio.run(wait(3))
    assert asyncio.run(wait(0.001)) > 0


def test_calls_from_other_threads_and_subprocesses_give_a_warning(dsql):
    client = dsql.client("us-east-1")
    with pytest.warns(dsql_sim.VirtualTimeWarning, match="several threads"):
        thread = threading.Thread(target=client.create_cluster)
        thread.start()
        thread.join()
    assert len(dsql.state()["us-east-1"]) == 1
    with pytest.warns(dsql_sim.VirtualTimeWarning, match="subprocess"):
        subprocess.run([sys.executable, "-c", ""], check=True)


def test_a_wait_for_what_does_not_come_ends():
    with pytest.raises(dsql_sim.VirtualTimeError, match="more than 3600 seconds"):
        with dsql_sim.simulation(limit=3600) as dsql:
            client = dsql.client("us-east-1")
            alone = client.create_cluster(multiRegionProperties={"witnessRegion": "us-west-2"})["identifier"]
            # What the test itself lets pass does not count.
            dsql.advance("2h")
            while client.get_cluster(identifier=alone)["status"] != "ACTIVE":
                time.sleep(30)


def test_one_simulation_at_a_time(dsql):
    dsql.client("us-east-1").create_cluster()
    with pytest.raises(dsql_sim.VirtualTimeError, match="under way"):
        with dsql_sim.simulation():
            pass
    assert len(dsql.state()["us-east-1"]) == 1
