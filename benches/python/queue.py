"""The row `queue` on asyncio: a producer and a consumer, two tasks and one bounded queue.

    python3 queue.py asyncio 100000 128 3 100 7 400

The arguments: the event loop (`asyncio` or `uvloop`), the items of one sample, the size of the
queue, and how often and for how many milliseconds at least to repeat that, for the warm-up and
then for the samples. Prints one line, as every child of the runner does.
"""

import asyncio
import resource
import sys
from time import perf_counter_ns


async def produce(queue, items):
    for item in range(items):
        await queue.put(item)


async def consume(queue, items):
    for expected in range(items):
        assert await queue.get() == expected, "items come in the order in which they were put"


async def pass_on(items, maxsize):
    """Nanoseconds for one item."""
    queue = asyncio.Queue(maxsize)
    begin = perf_counter_ns()
    producer = asyncio.create_task(produce(queue, items))
    consumer = asyncio.create_task(consume(queue, items))
    await producer
    await consumer
    took = perf_counter_ns() - begin
    assert queue.empty(), "as many items were put as were taken"
    return took / items


async def repeat(items, maxsize, times, milliseconds):
    samples = []
    begin = perf_counter_ns()
    while len(samples) < times or perf_counter_ns() - begin < milliseconds * 1_000_000:
        samples.append(await pass_on(items, maxsize))
    return samples


def usage():
    """Nanoseconds of CPU time, and voluntary context switches."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int((used.ru_utime + used.ru_stime) * 1e9), used.ru_nvcsw


async def measure(items, maxsize, warm_up_times, warm_up_ms, times, milliseconds):
    await repeat(items, maxsize, warm_up_times, warm_up_ms)
    cpu, switches = usage()
    samples = await repeat(items, maxsize, times, milliseconds)
    cpu, switches = (now - before for now, before in zip(usage(), (cpu, switches)))
    print(
        f"operations={len(samples) * items} cpu={cpu} switches={switches}",
        "samples=" + ",".join(f"{sample:.3f}" for sample in samples),
    )


def main():
    name, *numbers = sys.argv[1:]
    measured = measure(*map(int, numbers))
    if name == "uvloop":
        import uvloop

        # `uvloop.run` is younger than the loop itself.
        loop = uvloop.new_event_loop()
        loop.run_until_complete(measured)
        loop.close()
    else:
        asyncio.run(measured)


if __name__ == "__main__":
    main()
