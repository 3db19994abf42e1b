#!/usr/bin/env python3
"""Makes random programs, keeps those whose outcome is decided, and records it: generate.py free|ordered COUNT SEED [option..] > FILE.jsonl

free: asyncio gives every task the same history under eight shuffled orders of its ready queue, so any number of workers must give it too.
ordered: only ops whose order asyncio fixes on one thread; the whole interleaving is the record.
"""
import argparse, json, random, sys
from oracle import by_task, execute

args = argparse.ArgumentParser(usage=__doc__)
args.add_argument("kind", choices=["free", "ordered"])
args.add_argument("count", type=int)
args.add_argument("seed", type=int)
args.add_argument("--without", default="", help="ops that are not to be used, with commas between them")
args.add_argument("--crowded", action="store_true", help="one event, lock, semaphore and queue, and more who want them")
args.add_argument("--shuffles", type=int, default=8, help="in so many orders a free program is tried")
args = args.parse_args()
kind, count, seed, without = args.kind, args.count, args.seed, set(filter(None, args.without.split(",")))
rng = random.Random(seed)
MODES = ["FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED"]
SCENES = {"cancel": ["cancel"], "twice": ["cancel"], "group": ["group"], "gather": ["gather"], "wait": ["wait"], "wait_for": ["wait_for"], "timeout": ["timeout"],
          "shield": ["timeout", "shield"]}


def names(x):
    return {x} if isinstance(x, str) else {n for y in x for n in names(y)} if isinstance(x, list) else set()


def choice(options):
    """One of those that need nothing of what is left out."""
    return rng.choice([o for o in options if not names(o) & without])


def one_of(n):
    return 0 if args.crowded else rng.randint(0, n - 1)


def wrapped(ops, *rest):
    return ops if rest[0] in without else [[rest[0], ops, *rest[1:]]]


class Maker:
    def __init__(self):
        self.n, self.cb, self.tasks, self.callbacks, self.budget = 0, 0, {}, {}, rng.randint(6, 34)

    def ms(self):
        return rng.choice([rng.randint(1, 9), rng.randint(10, 99), rng.randint(100, 400)]) if kind == "free" else rng.choice([0, 1, 2, 5, 5, 10])

    def task(self, depth):
        name = f"t{self.n}"
        self.n += 1
        ops = self.ops(depth + 1, [])
        if rng.random() < 0.25:
            ops.append(["return", f"v{name}"] if rng.random() < 0.6 else ["raise", f"e{name}"])
        self.tasks[name] = ops
        return name

    def call(self):
        name = f"c{self.cb}"
        self.cb += 1
        ops = [["log", f"in {name}"]]
        for _ in range(rng.randint(0, 2)):
            ops.append(rng.choice([["set", f"e{one_of(3)}"], ["fut_set", f"f{one_of(3)}", f"by {name}"],
                                   ["cancel", f"t{rng.randint(0, 4)}"] if kind == "free" else ["log", "again"]]))
        if kind == "ordered" and rng.random() < 0.3 and self.cb < 12:
            ops.append(["call_soon", self.call()])
        self.callbacks[name] = ops
        return name

    def ops(self, depth, seen):
        out = []
        for _ in range(rng.randint(1, 5)):
            if self.budget <= 0:
                break
            self.budget -= 1
            out += self.op(depth, seen)
        return out or [["log", "nothing"]]

    def victim(self, depth):
        """A task that waits long enough to be cancelled, and does something about it."""
        name = f"t{self.n}"
        self.n += 1
        core = [["sleep", rng.randint(200, 400)], ["log", "slept"]]
        if rng.random() < 0.3:
            core = choice([[["wait_event", "e0"]], [["get", "q0"]], [["fut_wait", "f0"]], [["lock", "l0", core]], [["timeout", rng.randint(150, 500), core]]])
        if depth < 3 and rng.random() < 0.3:
            kid = self.victim(depth + 1)
            core = choice([[["spawn", kid], ["sleep", 1], ["await", kid]], [["group", [kid], core]], [["spawn", kid], ["sleep", 1], ["gather", [kid], rng.random() < 0.5]],
                               [["spawn", kid], ["sleep", 1], ["shield", kid]], [["spawn", kid], ["sleep", 1], ["wait_for", kid, rng.randint(50, 300)]],
                               [["spawn", kid], ["sleep", 1], ["wait", [kid], "ALL_COMPLETED", rng.choice([None, 250])]]])
        wrap = rng.random()
        if wrap < 0.35:
            core = wrapped(core, "try", [["log", "tidy"], ["sleep", rng.randint(1, 60)], ["log", "tidied"]], rng.choice(["swallow", "reraise", "reraise"])) + [["log", "after"], ["sleep", rng.randint(1, 99)]]
        elif wrap < 0.6:
            core = wrapped(core, "finally", [["log", "cleanup"], ["sleep", rng.randint(1, 60)], ["log", "clean"]])
        elif wrap < 0.7:
            core = wrapped(core, "try", [["raise", f"x{name}"]], "reraise")
        self.tasks[name] = core + ([["return", f"v{name}"]] if rng.random() < 0.5 else [])
        return name

    def failing(self, depth):
        name = f"t{self.n}"
        self.n += 1
        self.tasks[name] = [["sleep", rng.randint(1, 250)], ["log", "fails"], ["raise", f"b{name}"]]
        return name

    def scene(self, depth, seen):
        v = self.victim(depth)
        ms = rng.randint(1, 180)
        s = rng.choice([s for s in ["cancel", "cancel", "group", "group", "gather", "wait", "wait_for", "timeout", "twice", "shield"] if not without & set(SCENES[s])])
        if s == "cancel":
            out = [["spawn", v], ["sleep", ms], ["cancel", v], ["await", v]]
        elif s == "twice":
            out = [["spawn", v], ["sleep", ms], ["cancel", v], ["sleep", rng.randint(1, 80)], ["cancel", v], ["await", v]]
        elif s == "timeout":
            out = [["timeout", ms, [["spawn", v], ["sleep", 1], ["await", v], ["log", "in time"]]]]
        elif s == "wait_for":
            out = [["spawn", v], ["sleep", 1], ["wait_for", v, ms]]
        elif s == "shield":
            out = [["spawn", v], ["sleep", 1], ["timeout", ms, [["shield", v]]], ["log", "shielded"]]
        else:
            kids = [v] + [rng.choice([self.victim, self.failing])(depth + 1) for _ in range(rng.randint(1, 3))]
            rng.shuffle(kids)
            if s == "group":
                out = [["group", kids, rng.choice([[], [["sleep", rng.randint(100, 300)], ["log", "body"]], [["sleep", ms], ["raise", "body"]], [["sleep", ms], ["cancel", kids[0]]]])]]
            else:
                out = [["spawn", k] for k in kids] + [["sleep", 1]]
                out += [["gather", kids, rng.random() < 0.5]] if s == "gather" else [["wait", kids, rng.choice(MODES), rng.choice([None, ms])]]
        if rng.random() < 0.3:
            kind_of = rng.choice([["try"], ["finally"]])
            out = wrapped(out, *kind_of, [["log", "end of scene"]])
            if out[0][0] == "try" and "try" not in without:
                out[0].append(rng.choice(["swallow", "reraise"]))
        seen.append(v)
        return out

    def pick(self):
        return f"t{rng.randint(0, max(0, self.n - 1))}"

    def op(self, depth, seen):
        deep = depth < 4
        r = rng.random()
        if kind == "free" and depth < 3 and rng.random() < 0.35:
            return self.scene(depth, seen)
        if kind == "ordered":
            c = choice(["log", "log", "sleep", "yield", "yield", "spawn", "spawn", "await", "call_soon", "call_later", "cancel_callback", "on_done",
                            "set", "wait_event", "clear", "fut_set", "lock", "sem", "put", "get"]
                       + args.crowded * ["set", "wait_event", "wait_event", "lock", "sem", "sem", "put", "put", "get", "get", "fut_wait", "yield", "sleep"])
        else:
            c = choice(["log", "sleep", "sleep", "sleep", "yield", "spawn", "spawn", "spawn", "await", "await", "cancel", "cancel", "cancel", "try", "try",
                            "finally", "timeout", "timeout", "group", "group", "gather", "wait", "wait_for", "shield", "set", "wait_event", "fut_set", "fut_wait",
                            "lock", "sem", "put", "get", "call_later", "on_done"])
        if c == "log":
            return [["log", f"m{rng.randint(0, 99)}"]]
        if c == "sleep":
            return [["sleep", self.ms()], ["log", "slept"]]
        if c == "yield":
            return [["yield"], ["log", "yielded"]]
        if c == "spawn" and deep:
            t = self.task(depth)
            seen.append(t)
            return [["spawn", t]] + ([["sleep", self.ms()]] if kind == "free" else [])
        if c in ("await", "shield"):
            return [[c, rng.choice(seen) if seen and r < 0.8 else self.pick()]]
        if c == "cancel":
            return [["cancel", rng.choice(seen) if seen and r < 0.7 else self.pick()]]
        if c == "wait_for":
            return [["wait_for", rng.choice(seen) if seen else self.pick(), self.ms()]]
        if c in ("gather", "wait"):
            ts = list(dict.fromkeys(seen[-3:] + ([self.pick()] if r < 0.3 else [])))
            if not ts:
                return [["log", "alone"]]
            return [["gather", ts, r < 0.5]] if c == "gather" else [["wait", ts, rng.choice(MODES), rng.choice([None, self.ms()])]]
        if c == "try" and deep:
            return [["try", self.ops(depth + 1, seen), self.ops(depth + 2, seen), rng.choice(["swallow", "reraise"])]]
        if c == "finally" and deep:
            return [["finally", self.ops(depth + 1, seen), [["log", "cleanup"], ["sleep", self.ms()], ["log", "clean"]]]]
        if c == "timeout" and deep:
            return [["timeout", self.ms(), self.ops(depth + 1, seen)]]
        if c == "group" and deep:
            kids = [self.task(depth) for _ in range(rng.randint(1, 3))]
            return [["group", kids, self.ops(depth + 1, kids[:])]]
        if c in ("lock", "sem") and deep:
            return [[c, f"l{one_of(2)}", self.ops(depth + 2, seen)]]
        if c in ("set", "clear", "wait_event"):
            return [[c, f"e{one_of(3)}"]] + ([["log", "event"]] if c == "wait_event" else [])
        if c == "fut_set":
            return [["fut_set", f"f{one_of(3)}", f"x{rng.randint(0, 9)}"]]
        if c == "fut_wait":
            return [["fut_wait", f"f{one_of(3)}"]]
        if c == "put":
            return [["put", f"q{one_of(2)}", f"i{rng.randint(0, 99)}"]]
        if c == "get":
            return [["get", f"q{one_of(2)}"]]
        if c == "call_soon":
            return [["call_soon", self.call()]]
        if c == "call_later":
            return [["call_later", self.ms(), self.call()]]
        if c == "cancel_callback":
            return [["cancel_callback", f"c{rng.randint(0, max(0, self.cb - 1))}"]]
        if c == "on_done" and seen:
            return [["on_done", rng.choice(seen), self.call()]]
        return [["log", f"m{rng.randint(0, 99)}"]]


TELLING = ["caught", "swallowed", "ends cancelled", "timed out", "group raised", "gather ->", "gather raised", "gather cancelled", "wait done", "wait_for", "shield",
           "clean", "after", "raised"]
made, tried, told = 0, 0, dict.fromkeys(TELLING, 0)
while made < count:
    tried += 1
    m = Maker()
    seen = []
    main = []
    for _ in range(rng.randint(2, 4)):
        t = m.task(0)
        seen.append(t)
        main += [["spawn", t]] + ([["sleep", m.ms()]] if kind == "free" and rng.random() < 0.7 else [])
    main += m.ops(1, seen)
    p = {"id": f"{'crowded-' * args.crowded}{kind}-{seed}-{tried}", "kind": kind, "tasks": {"main": main, **m.tasks}, "callbacks": m.callbacks}
    log = execute(p)
    if log is None or len(log) < 12:
        continue
    if kind == "free":
        want = by_task(log)
        here = [w for w in TELLING if any(w in t for _, _, t in log)]
        if len(here) < 3 and made % 10:
            continue
        if any((l := execute(p, s)) is None or by_task(l) != want for s in range(args.shuffles)):
            continue
        p["trace"] = want
        for w in here:
            told[w] += 1
    else:
        p["trace"] = log
    print(json.dumps(p, separators=(",", ":")))
    made += 1
print(f"{made} kept of {tried}; programs that show each: {told if kind == 'free' else ''}", file=sys.stderr)
