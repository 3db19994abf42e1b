//! The tour, program by program.

use crate::example::{assert_in_order, lines_of, matches};

/// What a program of the tour prints, and how long it takes at least.
struct Program {
    title: &'static str,
    seconds: f64,
    lines: &'static [&'static str],
    order: Order,
}

/// What is promised about the order of a program's lines. A chain is a list of lines, each of which
/// is printed because the one before was.
enum Order {
    /// They come as they stand.
    Fixed,
    /// They come as they stand with one worker, else in the order of the chains.
    Chains(&'static [&'static [&'static str]]),
    /// They come in the order of the chains: threads or short times decide about the rest.
    AlwaysChains(&'static [&'static [&'static str]]),
    /// As many of them come as there is time for.
    First,
}

use Order::{AlwaysChains, Chains, First, Fixed};

const FACTORIALS: &[&str] = &[
    "Task A: Compute factorial(2)...",
    "Task B: Compute factorial(2)...",
    "Task C: Compute factorial(2)...",
    "Task A: factorial(2) = 2",
    "Task B: Compute factorial(3)...",
    "Task C: Compute factorial(3)...",
    "Task B: factorial(3) = 6",
    "Task C: Compute factorial(4)...",
    "Task C: factorial(4) = 24",
];

const FACTORIAL_CHAINS: &[&[&str]] = &[
    &["Task A: Compute factorial(2)...", "Task A: factorial(2) = 2"],
    &[
        "Task B: Compute factorial(2)...",
        "Task B: Compute factorial(3)...",
        "Task B: factorial(3) = 6",
    ],
    &[
        "Task C: Compute factorial(2)...",
        "Task C: Compute factorial(3)...",
        "Task C: Compute factorial(4)...",
        "Task C: factorial(4) = 24",
    ],
];

const FIVE_THREE_FOUR: &[&str] = &[
    "5 before---func1----",
    "3 before---func1----",
    "4 before---func1----",
    "Task ret:  recv num 5",
    "Task ret:  recv num 3",
    "Task ret:  recv num 4",
];

const FIVE_THREE_FOUR_CHAINS: &[&[&str]] = &[
    &["5 before---func1----", "Task ret:  recv num 5"],
    &["3 before---func1----", "Task ret:  recv num 5"],
    &["4 before---func1----", "Task ret:  recv num 5"],
    &["Task ret:  recv num 5", "Task ret:  recv num 3", "Task ret:  recv num 4"],
];

const PENDING_TASK: &str = "Task { name: \"Task-*\", state: Suspended, *";

const PROGRAMS: &[Program] = &[
    Program {
        title: "gather of 1, 2 and 4 seconds",
        seconds: 4.0,
        lines: &[
            "waiting: 1",
            "waiting: 2",
            "waiting: 4",
            "Task ret: Done after 1s",
            "Task ret: Done after 2s",
            "Task ret: Done after 4s",
            "Time: *",
        ],
        order: Chains(&[
            &["waiting: 1", "Task ret: Done after 1s"],
            &["waiting: 2", "Task ret: Done after 1s"],
            &["waiting: 4", "Task ret: Done after 1s"],
            &[
                "Task ret: Done after 1s",
                "Task ret: Done after 2s",
                "Task ret: Done after 4s",
                "Time: *",
            ],
        ]),
    },
    Program {
        title: "two coroutines for a loop in another thread",
        seconds: 6.0,
        lines: &["TIME: *", "Waiting 6", "Waiting 4", "Done after 4s", "Done after 6s"],
        order: Chains(&[
            &["TIME: *", "Waiting 6", "Done after 6s"],
            &["TIME: *", "Waiting 4", "Done after 4s"],
        ]),
    },
    Program {
        title: "hello, hello again",
        seconds: 1.0,
        lines: &["Hello world!", "Hello again!"],
        order: Fixed,
    },
    Program {
        title: "two hellos and their threads",
        seconds: 1.0,
        lines: &["Hello 1 in! (*)", "Hello 2 in! (*)", "Hello 1 out! (*)", "Hello 2 out! (*)"],
        order: Chains(&[
            &["Hello 1 in! (*)", "Hello 1 out! (*)"],
            &["Hello 2 in! (*)", "Hello 2 out! (*)"],
        ]),
    },
    Program {
        title: "two waits of 5 seconds",
        seconds: 5.0,
        lines: &[
            "1 before---func1----",
            "2 before---func1----",
            "1 after---func1----",
            "2 after---func1----",
            "*.*",
        ],
        order: Chains(&[
            &["1 before---func1----", "1 after---func1----", "*.*"],
            &["2 before---func1----", "2 after---func1----", "*.*"],
        ]),
    },
    Program {
        title: "a single coroutine",
        seconds: 0.0,
        lines: &["2 before---func1----"],
        order: Fixed,
    },
    Program {
        title: "the states of a task",
        seconds: 0.0,
        lines: &[
            "Task { name: \"Task-*\", state: Created, *",
            "CORO_CREATED",
            "2 before---func1----",
            "Task { name: \"Task-*\", state: Closed, outcome: returned, spawned: *",
            "CORO_CLOSED",
        ],
        order: Fixed,
    },
    Program {
        title: "a done-callback that reads the result",
        seconds: 0.0,
        lines: &["1 before---func1----", "recv num 1"],
        order: Fixed,
    },
    Program {
        title: "the result after the run",
        seconds: 0.0,
        lines: &[
            "1 before---func1----",
            "Task { name: \"Task-*\", state: Closed, outcome: returned, spawned: *",
            "recv num 1",
        ],
        order: Fixed,
    },
    Program {
        title: "gather of 5 and 3 seconds",
        seconds: 5.0,
        lines: &["5 before---func1----", "3 before---func1----"],
        order: Chains(&[]),
    },
    Program {
        title: "wait over 5, 3 and 4 seconds (in the order given; Python's is a set's)",
        seconds: 5.0,
        lines: FIVE_THREE_FOUR,
        order: Chains(FIVE_THREE_FOUR_CHAINS),
    },
    Program {
        title: "gather of 5, 3 and 4 seconds that returns the results",
        seconds: 5.0,
        lines: FIVE_THREE_FOUR,
        order: Chains(FIVE_THREE_FOUR_CHAINS),
    },
    Program {
        title: "as_completed over 5, 3 and 4 seconds",
        seconds: 5.0,
        lines: &[
            "5 before---func1----",
            "3 before---func1----",
            "4 before---func1----",
            "Task ret:  recv num 3",
            "Task ret:  recv num 4",
            "Task ret:  recv num 5",
        ],
        order: Chains(&[
            &["5 before---func1----", "Task ret:  recv num 5"],
            &["3 before---func1----", "Task ret:  recv num 3"],
            &["4 before---func1----", "Task ret:  recv num 4"],
        ]),
    },
    Program {
        title: "cancel all tasks, as after Ctrl-C (here after 2.5 seconds)",
        seconds: 2.5,
        lines: &[
            "5 before---func1----",
            "3 before---func1----",
            "4 before---func1----",
            PENDING_TASK,
            "True",
            PENDING_TASK,
            "True",
            PENDING_TASK,
            "True",
            PENDING_TASK,
            "True",
        ],
        order: Chains(&[
            &["5 before---func1----", PENDING_TASK],
            &["3 before---func1----", PENDING_TASK],
            &["4 before---func1----", PENDING_TASK],
            &[
                PENDING_TASK,
                "True",
                PENDING_TASK,
                "True",
                PENDING_TASK,
                "True",
                PENDING_TASK,
                "True",
            ],
        ]),
    },
    Program {
        title: "three blocking callbacks for a loop in another thread",
        seconds: 11.0,
        lines: &["*.*", "3 before---func1----", "2 before---func1----", "6 before---func1----"],
        order: AlwaysChains(&[&[
            "3 before---func1----",
            "2 before---func1----",
            "6 before---func1----",
        ]]),
    },
    Program {
        title: "three coroutines for a loop in another thread",
        seconds: 5.0,
        lines: &["*.*", "5 before---func1----", "3 before---func1----", "4 before---func1----"],
        order: AlwaysChains(&[]),
    },
    Program {
        title: "more work for a loop in another thread",
        seconds: 9.0,
        lines: &[
            "TIME: *",
            "More work 6",
            "Finished more work 6",
            "More work 3",
            "Finished more work 3",
        ],
        order: Fixed,
    },
    Program {
        title: "an async iterator",
        seconds: 4.0,
        lines: &["0", "1", "2", "3", "4"],
        order: Fixed,
    },
    Program { title: "an async comprehension", seconds: 4.0, lines: &["[1, 3]"], order: Fixed },
    Program {
        title: "now, and the loop's time",
        seconds: 2.0,
        lines: &["*:*:*.*", "*:*:*.*", "*.*", "*.*"],
        order: Fixed,
    },
    Program {
        title: "hello world, and stop",
        seconds: 0.0,
        lines: &["Hello World", "Hello World", "Hello World", "Hello World"],
        order: Fixed,
    },
    Program {
        title: "display the date for 5 seconds",
        seconds: 4.0,
        lines: &["*:*:*.*", "*:*:*.*", "*:*:*.*", "*:*:*.*", "*:*:*.*"],
        order: First,
    },
    Program {
        title: "factorials with gather (in task order; Python's is a set's)",
        seconds: 3.0,
        lines: FACTORIALS,
        order: Chains(FACTORIAL_CHAINS),
    },
    Program {
        title: "factorials with wait (in task order; Python's is a set's)",
        seconds: 3.0,
        lines: FACTORIALS,
        order: Chains(FACTORIAL_CHAINS),
    },
    Program {
        title: "factorials with as_completed",
        seconds: 3.0,
        lines: FACTORIALS,
        order: Chains(FACTORIAL_CHAINS),
    },
    Program {
        title: "factorials in an executor (threads decide the order)",
        seconds: 3.0,
        lines: FACTORIALS,
        order: AlwaysChains(FACTORIAL_CHAINS),
    },
    Program {
        title: "producer and consumer (by chance, of a fixed seed)",
        seconds: 5.0,
        lines: &[
            "producing 1/10",
            "producing 2/10",
            "consuming item 1...",
            "producing 3/10",
            "consuming item 2...",
            "producing 4/10",
            "consuming item 3...",
            "producing 5/10",
            "producing 6/10",
            "consuming item 4...",
            "producing 7/10",
            "consuming item 5...",
            "producing 8/10",
            "consuming item 6...",
            "consuming item 7...",
            "producing 9/10",
            "consuming item 8...",
            "producing 10/10",
            "consuming item 9...",
            "consuming item 10...",
        ],
        order: AlwaysChains(&[
            &[
                "producing 1/10",
                "producing 2/10",
                "producing 3/10",
                "producing 4/10",
                "producing 5/10",
                "producing 6/10",
                "producing 7/10",
                "producing 8/10",
                "producing 9/10",
                "producing 10/10",
                "consuming item 10...",
            ],
            &[
                "producing 1/10",
                "consuming item 1...",
                "consuming item 2...",
                "consuming item 3...",
                "consuming item 4...",
                "consuming item 5...",
                "consuming item 6...",
                "consuming item 7...",
                "consuming item 8...",
                "consuming item 9...",
                "consuming item 10...",
            ],
            &["producing 2/10", "consuming item 2..."],
            &["producing 5/10", "consuming item 5..."],
            &["producing 9/10", "consuming item 9..."],
        ]),
    },
    Program {
        title: "come on, a first coroutine", seconds: 0.0, lines: &["快来吧"], order: Fixed
    },
    Program {
        title: "await, and its value",
        seconds: 2.0,
        lines: &["来玩呀", "结束 None"],
        order: Fixed,
    },
    Program {
        title: "await a coroutine",
        seconds: 2.0,
        lines: &["执行协程函数内部代码", "A", "end", "IO请求结束，结果为 返回值"],
        order: Fixed,
    },
    Program {
        title: "await two, one after the other",
        seconds: 4.0,
        lines: &[
            "执行协程函数内部代码",
            "A",
            "end",
            "IO请求结束，结果为 返回值",
            "A",
            "end",
            "IO请求结束，结果为 返回值",
        ],
        order: Fixed,
    },
    Program {
        title: "create_task, then await each",
        seconds: 2.0,
        lines: &["main开始", "main结束", "1", "3", "2", "4", "返回值 返回值"],
        order: Chains(&[
            &["main开始", "main结束", "返回值 返回值"],
            &["main开始", "1", "2", "返回值 返回值"],
            &["main开始", "3", "4", "返回值 返回值"],
        ]),
    },
    Program {
        title: "create_task, then wait for all",
        seconds: 2.0,
        lines: &["main开始", "main结束", "1", "3", "2", "4", "[Task { * }, Task { * }]"],
        order: Chains(&[
            &["main开始", "main结束", "[Task { * }, Task { * }]"],
            &["main开始", "1", "2", "[Task { * }, Task { * }]"],
            &["main开始", "3", "4", "[Task { * }, Task { * }]"],
        ]),
    },
    Program { title: "a future set by another task", seconds: 2.0, lines: &["666"], order: Fixed },
    Program {
        title: "ten jobs on five threads (threads decide the order)",
        seconds: 2.0,
        lines: &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        order: AlwaysChains(&[]),
    },
    Program {
        title: "run_in_executor, the default one and another",
        seconds: 4.0,
        lines: &["default thread pool hello", "custom thread pool hello"],
        order: Fixed,
    },
    Program {
        title: "a fleet of taxis (a minute is a tenth of a second; by chance, of fixed seeds)",
        seconds: 14.3,
        lines: &[
            "taxi: 0  Event(time=0, proc=0, action='leave garage')",
            "taxi: 1   Event(time=5, proc=1, action='leave garage')",
            "taxi: 1   Event(time=7, proc=1, action='pick up passenger')",
            "taxi: 2    Event(time=10, proc=2, action='leave garage')",
            "taxi: 0  Event(time=11, proc=0, action='pick up passenger')",
            "taxi: 2    Event(time=15, proc=2, action='pick up passenger')",
            "taxi: 2    Event(time=17, proc=2, action='drop off passenger')",
            "taxi: 0  Event(time=18, proc=0, action='drop off passenger')",
            "taxi: 2    Event(time=22, proc=2, action='pick up passenger')",
            "taxi: 0  Event(time=22, proc=0, action='pick up passenger')",
            "taxi: 1   Event(time=31, proc=1, action='drop off passenger')",
            "taxi: 2    Event(time=34, proc=2, action='drop off passenger')",
            "taxi: 1   Event(time=35, proc=1, action='pick up passenger')",
            "taxi: 0  Event(time=36, proc=0, action='drop off passenger')",
            "taxi: 0  Event(time=37, proc=0, action='going home')",
            "taxi: 2    Event(time=39, proc=2, action='pick up passenger')",
            "taxi: 2    Event(time=40, proc=2, action='drop off passenger')",
            "taxi: 2    Event(time=41, proc=2, action='pick up passenger')",
            "taxi: 2    Event(time=43, proc=2, action='drop off passenger')",
            "taxi: 2    Event(time=44, proc=2, action='pick up passenger')",
            "taxi: 1   Event(time=48, proc=1, action='drop off passenger')",
            "taxi: 1   Event(time=50, proc=1, action='pick up passenger')",
            "taxi: 1   Event(time=53, proc=1, action='drop off passenger')",
            "taxi: 1   Event(time=59, proc=1, action='pick up passenger')",
            "taxi: 1   Event(time=69, proc=1, action='drop off passenger')",
            "taxi: 1   Event(time=70, proc=1, action='going home')",
            "taxi: 2    Event(time=107, proc=2, action='drop off passenger')",
            "taxi: 2    Event(time=112, proc=2, action='pick up passenger')",
            "taxi: 2    Event(time=142, proc=2, action='drop off passenger')",
            "taxi: 2    Event(time=143, proc=2, action='going home')",
            "*** end of events ***",
        ],
        order: AlwaysChains(&[
            &[
                "taxi: 0  Event(time=0, proc=0, action='leave garage')",
                "taxi: 0  Event(time=11, proc=0, action='pick up passenger')",
                "taxi: 0  Event(time=18, proc=0, action='drop off passenger')",
                "taxi: 0  Event(time=22, proc=0, action='pick up passenger')",
                "taxi: 0  Event(time=36, proc=0, action='drop off passenger')",
                "taxi: 0  Event(time=37, proc=0, action='going home')",
                "*** end of events ***",
            ],
            &[
                "taxi: 1   Event(time=5, proc=1, action='leave garage')",
                "taxi: 1   Event(time=7, proc=1, action='pick up passenger')",
                "taxi: 1   Event(time=31, proc=1, action='drop off passenger')",
                "taxi: 1   Event(time=35, proc=1, action='pick up passenger')",
                "taxi: 1   Event(time=48, proc=1, action='drop off passenger')",
                "taxi: 1   Event(time=50, proc=1, action='pick up passenger')",
                "taxi: 1   Event(time=53, proc=1, action='drop off passenger')",
                "taxi: 1   Event(time=59, proc=1, action='pick up passenger')",
                "taxi: 1   Event(time=69, proc=1, action='drop off passenger')",
                "taxi: 1   Event(time=70, proc=1, action='going home')",
                "*** end of events ***",
            ],
            &[
                "taxi: 2    Event(time=10, proc=2, action='leave garage')",
                "taxi: 2    Event(time=15, proc=2, action='pick up passenger')",
                "taxi: 2    Event(time=17, proc=2, action='drop off passenger')",
                "taxi: 2    Event(time=22, proc=2, action='pick up passenger')",
                "taxi: 2    Event(time=34, proc=2, action='drop off passenger')",
                "taxi: 2    Event(time=39, proc=2, action='pick up passenger')",
                "taxi: 2    Event(time=40, proc=2, action='drop off passenger')",
                "taxi: 2    Event(time=41, proc=2, action='pick up passenger')",
                "taxi: 2    Event(time=43, proc=2, action='drop off passenger')",
                "taxi: 2    Event(time=44, proc=2, action='pick up passenger')",
                "taxi: 2    Event(time=107, proc=2, action='drop off passenger')",
                "taxi: 2    Event(time=112, proc=2, action='pick up passenger')",
                "taxi: 2    Event(time=142, proc=2, action='drop off passenger')",
                "taxi: 2    Event(time=143, proc=2, action='going home')",
                "*** end of events ***",
            ],
        ]),
    },
    Program {
        title: "downloads through a blocking client (threads decide the order)",
        seconds: 1.0,
        lines: &[
            "开始下载： saf",
            "开始下载： sdafa",
            "开始下载： adsfafd",
            "下载完成",
            "下载完成",
            "下载完成",
        ],
        order: AlwaysChains(&[
            &["开始下载： saf", "下载完成"],
            &["开始下载： sdafa", "下载完成"],
            &["开始下载： adsfafd", "下载完成"],
        ]),
    },
];

#[test]
fn every_program_prints_what_it_prints_in_python() {
    // Long enough a second that a busy machine does not put what is seconds apart in another order;
    // and more workers than many a machine has cores.
    let lines = lines_of("tour", &["--second", "50", "--workers", "4"]);
    let parts: Vec<&[String]> = split(&lines, "━━━━ * ━━━━");
    assert_eq!(parts.len(), 2);
    check_part(parts[0], true, |program, seconds| seconds >= program.seconds);
    check_part(parts[1], false, |program, seconds| seconds >= program.seconds);
    assert_in_order(&lines, &["Not on the tour yet: *"]);
}

/// What a thread sleeps for in these programs is no time of the loop's.
const BLOCKING: &[&str] = &[
    "three blocking callbacks for a loop in another thread",
    "more work for a loop in another thread",
    "factorials in an executor (threads decide the order)",
    "ten jobs on five threads (threads decide the order)",
    "run_in_executor, the default one and another",
    "downloads through a blocking client (threads decide the order)",
];

/// The same lines in the same orders, at once; and the times are exact.
#[test]
fn every_program_prints_the_same_in_virtual_time() {
    let lines = lines_of("tour", &["--virtual-time", "--second", "10", "--workers", "4"]);
    let parts: Vec<&[String]> = split(&lines, "━━━━ * ━━━━");
    let takes = |program: &Program, seconds: f64| match program.title {
        blocking if BLOCKING.contains(&blocking) => seconds == 0.0,
        "producer and consumer (by chance, of a fixed seed)" => seconds == 7.3,
        _ => seconds == program.seconds,
    };
    check_part(parts[0], true, takes);
    check_part(parts[1], false, takes);
    let (taxis, end) = ("── a fleet of taxis *", "*** end of events ***");
    let taxis = parts[0].iter().position(|line| matches(taxis, line)).expect("they are there");
    let in_python = PROGRAMS.iter().find(|program| program.lines.contains(&end));
    let in_python = in_python.expect("they are there").lines;
    assert_eq!(parts[0][taxis + 1..][..in_python.len()], *in_python);
}

/// The lines from each that is as `heading` says, to before the next of these.
fn split<'a>(lines: &'a [String], heading: &str) -> Vec<&'a [String]> {
    let starts = (0..lines.len()).filter(|&at| matches(heading, &lines[at]));
    let starts: Vec<_> = starts.chain([lines.len()]).collect();
    starts.windows(2).map(|pair| &lines[pair[0]..pair[1]]).collect()
}

#[track_caller]
fn check_part(lines: &[String], one_worker: bool, takes: impl Fn(&Program, f64) -> bool) {
    let outputs = split(lines, "── * ──");
    assert_eq!(outputs.len(), PROGRAMS.len());
    for (program, output) in PROGRAMS.iter().zip(outputs) {
        assert_eq!(output[0], format!("── {} ──", program.title));
        let end = output.iter().position(|line| matches("   (* s)", line));
        let end = end.unwrap_or_else(|| panic!("no time in:\n{}", output.join("\n")));
        program.check(&output[1..end], one_worker);
        let time = output[end].trim_start_matches("   (").trim_end_matches(" s)");
        let seconds: f64 = time.parse().expect("a time is a number");
        assert!(takes(program, seconds), "{}: {seconds} s", program.title);
    }
    let summary = lines.iter().rposition(|line| line == "What the workers did:");
    let summary = &lines[summary.expect("the part ends with a summary")..];
    let worker = "   worker *: * steps run, * tasks stolen, * times parked";
    let workers = summary.iter().filter(|line| matches(worker, line)).count();
    assert_eq!(workers, if one_worker { 1 } else { 4 }, "{summary:?}");
}

impl Program {
    #[track_caller]
    fn check(&self, output: &[String], one_worker: bool) {
        let as_they_stand = |lines: &[&str]| {
            assert_eq!(output.len(), lines.len(), "{}:\n{}", self.title, output.join("\n"));
            for (line, pattern) in output.iter().zip(lines) {
                assert!(matches(pattern, line), "{}:\n{}", self.title, output.join("\n"));
            }
        };
        match self.order {
            Fixed => as_they_stand(self.lines),
            Chains(_) if one_worker => as_they_stand(self.lines),
            First => as_they_stand(&self.lines[..output.len().clamp(1, self.lines.len())]),
            Chains(chains) | AlwaysChains(chains) => {
                self.check_same_lines(output);
                chains.iter().for_each(|chain| assert_in_order(output, chain));
            }
        }
    }

    /// The same lines, as often, in any order.
    #[track_caller]
    fn check_same_lines(&self, output: &[String]) {
        let mut missing = self.lines.to_vec();
        for line in output {
            let found = missing.iter().position(|pattern| matches(pattern, line));
            let found = found.unwrap_or_else(|| {
                panic!("{}: unexpected `{line}` in:\n{}", self.title, output.join("\n"))
            });
            missing.remove(found);
        }
        assert!(missing.is_empty(), "{}: no {missing:?} in:\n{}", self.title, output.join("\n"));
    }
}
