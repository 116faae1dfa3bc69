"""`make bench`: prints medians, beside what is aimed at."""

from __future__ import annotations

from statistics import median

from bench import (
    calls,
    cold_start,
    discord,
    functions,
    gateway,
    http,
    overview,
    saves,
    tables,
    ticks,
)
from bench.calls import ADDED_SECONDS, LIVES, Asked
from bench.cold_start import PAIRS, ColdStart
from bench.report import against, at_least, table
from tests.file_task.computer import MISSING

RATIO_AIM = 1.25
HTTP_RATIO_AIM = 1.3
HTTP_RATE_AIM = 0.7
PAGE_RATIO_AIM = 1.2
ADDED_AIM_MILLISECONDS = 2
GATEWAY_RATE_AIM = 0.8
BATCH_AIM_SECONDS = 0.3
# One of a start's claims the release's fetching.
CALLS_AIM = {"status, at rest": 1, "start-instance": 7, "state, at rest": 1, "what gets no page": 0}
TICK_RATIO_AIM = 1.2
FLOOD_AIM_SECONDS = 30
FIRST_ANSWER_RATIO_AIM, FIRST_ANSWER_AIM_SECONDS = 1.2, 1.0
CHAIN_AIM = {"create-instance": 6, "destroy-instance": 8, "event: purge task STOPPED": 8}
# A well-known implementation of the same contract in Node, for comparison.
ELSEWHERE = {
    "create-instance": "elsewhere 19 calls, one after the other",
    "start-instance": "elsewhere polls for 15 s",
    "destroy-instance": "elsewhere polls for 30 s",
}


def main() -> None:
    """Measure and print."""
    started = cold_start.measure()
    first, rate = http.first_answer(), http.throughput()
    invoked = gateway.measure()
    asked = calls.measure()
    print(_cold_start(started))
    print()
    print(_http(first, rate))
    print()
    print(_gateway(invoked))
    print()
    print(_calls(asked))
    print()
    print(_ticks(ticks.measure()))
    print()
    print(_overview(*overview.measure()))
    print()
    print(_tables(tables.first_answer(), tables.calls()))
    print()
    print(_discord(discord.first_answer(), discord.calls()))
    print()
    print(_functions(functions.lists(), functions.requests(), functions.follow()))
    print()
    print(_saves(saves.measure(), saves.evenings()))


def _cold_start(started: ColdStart) -> str:
    return (
        f"Cold start, medians of {PAIRS} pairs in turns\n"
        f"  a bare boto3 client reads one item  {started.bare * 1000:5.0f} ms\n"
        f"  the first status is answered        {started.status * 1000:5.0f} ms\n"
        f"  ratio                               {started.ratio:5.2f}     "
        f"{against(round(started.ratio, 2), RATIO_AIM)}"
    )


def _gateway(invoked: gateway.Measured) -> str:
    direct = invoked.direct
    rows = [["function invoked by", "ms alone", f"per second, {gateway.MANY} at once", "ratio", ""]]
    rows.append(["boto3", f"{direct.seconds * 1000:.2f}", f"{direct.rate:.0f}", "", ""])
    for name, way in invoked.gateway.items():
        added, ratio = (way.seconds - direct.seconds) * 1000, way.rate / direct.rate
        remarks = (
            f"added {added:.2f} ms: {against(round(added, 2), ADDED_AIM_MILLISECONDS)}",
            f"ratio: {at_least(round(ratio, 2), GATEWAY_RATE_AIM)}",
        )
        figures = [f"{way.seconds * 1000:.2f}", f"{way.rate:.0f}", f"{ratio:.2f}"]
        rows.append([name, *figures, "; ".join(remarks)])
    return (
        f"Invocations through the gateway, medians of {gateway.ROUNDS} rounds in turns\n{table(rows)}\n"
        f"A batch of {gateway.BATCH} that take {gateway.BATCH_MILLISECONDS} ms each: "
        f"{invoked.batch_seconds:.2f} s, {against(round(invoked.batch_seconds, 2), BATCH_AIM_SECONDS)}"
    )


def _http(first: http.Pair, rate: http.Pair) -> str:
    return (
        f"HTTP, medians of {http.PAIRS} pairs and {http.ROUNDS} rounds in turns\n"
        f"  a bare FastAPI's first answer       {first.bare * 1000:5.0f} ms\n"
        f"  ours, through Mangum both           {first.ours * 1000:5.0f} ms\n"
        f"  ratio                               {first.ratio:5.2f}     "
        f"{against(round(first.ratio, 2), HTTP_RATIO_AIM)}\n"
        f"  GET /health of a bare FastAPI       {rate.bare:5.0f} per second\n"
        f"  GET /health of ours                 {rate.ours:5.0f} per second\n"
        f"  ratio                               {rate.ratio:5.2f}     "
        f"{at_least(round(rate.ratio, 2), HTTP_RATE_AIM)}"
    )


def _calls(asked: dict[str, Asked]) -> str:
    rows = [["action", "calls", "longest chain", "ms", ""]]
    rows += [
        [name, str(each.calls), str(each.chain), f"{each.seconds * 1000:.0f}", _remark(name, each)]
        for name, each in asked.items()
    ]
    added = f"{ADDED_SECONDS * 1000:.0f} ms added to each call"
    return f"Calls to AWS, medians of {LIVES} lives of a server, {added}\n{table(rows)}"


def _ticks(ticked: dict[str, tuple[ticks.Ticked, ticks.Ticked, float]]) -> str:
    few, many = f"{ticks.FEW} stored", f"{ticks.MANY} stored"
    rows = [
        [
            "tick",
            f"reads, {few}",
            f"reads, {many}",
            "ratio",
            "whole ratio",
            f"{ticks.FLOOD} due, s",
            "",
        ]
    ]
    for name, (small, large, flood) in ticked.items():
        ratio = large.own_work / small.own_work
        whole = large.work / small.work
        remarks = (
            f"reads: {'ok, equal' if small.reads == large.reads else 'SHORT OF AIM, not equal'}",
            f"ratio: {against(round(ratio, 2), TICK_RATIO_AIM)}",
            f"{ticks.FLOOD} due: {against(round(flood, 1), FLOOD_AIM_SECONDS)}",
        )
        figures = [
            str(small.reads),
            str(large.reads),
            f"{ratio:.2f}",
            f"{whole:.2f}",
            f"{flood:.1f}",
        ]
        rows.append([name, *figures, "; ".join(remarks)])
    return (
        f"Ticks with {ticks.DUE} due, medians of {ticks.ROUNDS}; elsewhere each minute scans all tables\n"
        f"{table(rows)}\n"
        "The ratio is that of processor time without the emulator's search of the index, which looks at every\n"
        "item there is, as DynamoDB's does not. The whole ratio has it."
    )


def _overview(few: overview.Looked, many: overview.Looked) -> str:
    ratio = many.own / few.own
    equal = "ok, equal" if few.reads == many.reads else "SHORT OF AIM, not equal"
    return (
        f"admin-overview with {ticks.FEW} and with {ticks.MANY} members, medians\n"
        f"  reads                           {few.reads:6} {many.reads:6}   {equal}\n"
        f"  the function's own ms           {few.own * 1000:6.1f} {many.own * 1000:6.1f}   ratio"
        f" {ratio:.2f}, {against(round(ratio, 2), TICK_RATIO_AIM)}\n"
        f"  with the emulator's search, ms  {few.seconds * 1000:6.1f} {many.seconds * 1000:6.1f}"
    )


def _tables(first: tables.First, asked: dict[str, Asked]) -> str:
    ratio = first.ours / first.bare
    rows = [["request of a table's address", "calls", "longest chain", "ms", ""]]
    rows += [
        [name, str(each.calls), str(each.chain), f"{each.seconds * 1000:.0f}", _remark(name, each)]
        for name, each in asked.items()
    ]
    return (
        f"A sleeping table's page, first answers, medians of {tables.PAIRS} in turns\n"
        f"  a bare FastAPI's page               {first.bare * 1000:5.0f} ms\n"
        f"  one that reads one item by boto3    {first.reading * 1000:5.0f} ms\n"
        f"  a table's, with four reads          {first.ours * 1000:5.0f} ms\n"
        f"  ratio to the bare one               {ratio:5.2f}     "
        f"{against(round(ratio, 2), PAGE_RATIO_AIM)}\n"
        f"  ratio to the one that reads         {first.ours / first.reading:5.2f}\n"
        f"What each request asks of AWS, {ADDED_SECONDS * 1000:.0f} ms added to each call\n{table(rows)}"
    )


def _discord(first: discord.First, asked: dict[str, tuple[Asked, Asked | None]]) -> str:
    ratio = first.ours / first.bare
    rows = [["command", "calls", "ms", "carried out by", "ms", ""]]
    for name, (at_once, later) in asked.items():
        after = (str(later.calls), f"{later.seconds * 1000:.0f}") if later else ("", "")
        rows.append([name, str(at_once.calls), f"{at_once.seconds * 1000:.0f}", *after, ""])
    return (
        f"Discord's three seconds, first deferred answers, medians of {discord.PAIRS} in turns\n"
        f"  a bare FastAPI that checks the signature  {first.bare * 1000:5.0f} ms\n"
        f"  the platform                              {first.ours * 1000:5.0f} ms, "
        f"{against(round(first.ours, 2), FIRST_ANSWER_AIM_SECONDS)}\n"
        f"  ratio                                     {ratio:5.2f}     "
        f"{against(round(ratio, 2), FIRST_ANSWER_RATIO_AIM)}\n"
        f"What each command asks of AWS, {ADDED_SECONDS * 1000:.0f} ms added to each call\n{table(rows)}"
    )


def _functions(
    lists: dict[int, functions.Listed], requests: dict[str, Asked], delays: list[float]
) -> str:
    described = functions.DESCRIBED_AT_ONCE
    rows = [["functions in the list", "reads", "own ms", "asking ECS instead"]]
    rows += [
        [str(n), str(each.reads), f"{each.own * 1000:.1f}", f"{-(-n // described)} calls more"]
        for n, each in lists.items()
    ]
    asked = [["request", "calls", "longest chain", "ms"]]
    asked += [
        [name, str(each.calls), str(each.chain), f"{each.seconds * 1000:.0f}"]
        for name, each in requests.items()
    ]
    return (
        f"Lists of functions, medians of {functions.ROUNDS}\n{table(rows)}\n"
        f"What each request asks of AWS, {ADDED_SECONDS * 1000:.0f} ms added to each call\n{table(asked)}\n"
        f"From a line in the log to who follows it: median {median(delays):.2f} s, at most {max(delays):.2f} s"
    )


def _saves(measured: list[saves.Measured], played: saves.Evenings | None) -> str:
    if played is None:
        return f"Saves: left out, as {' and '.join(MISSING)} must be installed to save files"
    rows = [["saves", "s", "tar | gzip", "rclone copy", "to tar", "to copy", ""]]
    for each in measured:
        size = f"{each.kind.size / 1e6:.0f} MB in {each.kind.count}"
        weights = f"stored {each.stored:.2f} of it, a tar.gz {each.packed:.2f}"
        rows.append([f"{each.kind.name}, {size}", "", "", "", "", "", weights])
        for name, took in each.steps.items():
            seconds = [f"{figure:.1f}" for figure in (took.ours, took.tar, took.copy)]
            ratios = [f"{took.ours / other:.2f}" for other in (took.tar, took.copy)]
            rows.append([f"  {name}", *seconds, *ratios, ""])
    return (
        f"Saves, medians of {saves.ROUNDS} rounds in turns, to S3 on this machine\n{table(rows)}\n"
        f"After {saves.EVENINGS} evenings, one each {saves.DAYS_BETWEEN} days, of which each changes"
        f" {saves.CHANGING:.0%} of {saves.EVENINGS_MB} MB:\n"
        f"{played.saves} saves weigh {played.stored:.2f} times the files, as many tar.gz"
        f" {played.packed:.2f} times; a save takes {played.seconds:.1f} s"
    )


def _remark(name: str, asked: Asked) -> str:
    remarks = []
    if name in CALLS_AIM:
        remarks.append("calls: " + against(asked.calls, CALLS_AIM[name]))
    if name in CHAIN_AIM:
        remarks.append("chain: " + against(asked.chain, CHAIN_AIM[name]))
    if name in ELSEWHERE:
        remarks.append(ELSEWHERE[name])
    return "; ".join(remarks)


if __name__ == "__main__":
    main()
