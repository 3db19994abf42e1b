//! The little language: what a line of a data file says.

use std::collections::BTreeMap;
use std::time::Duration;

use loopwork::ReturnWhen;
use serde_json::Value;

use crate::record::{Entry, Trace};

/// A program, and the record of what asyncio did with it.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) id: String,
    /// `main` is the task that starts.
    pub(crate) tasks: BTreeMap<String, Vec<Op>>,
    pub(crate) callbacks: BTreeMap<String, Vec<Op>>,
    pub(crate) trace: Trace,
}

/// One step of a task or a callback. `README.md` says what each does.
#[derive(Debug)]
pub(crate) enum Op {
    Log(String),
    Sleep(Duration),
    Yield,
    Spawn(String),
    Return(String),
    Raise(String),
    Await(String),
    Shield(String),
    WaitFor(String, Duration),
    Gather { tasks: Vec<String>, return_exceptions: bool },
    Wait { tasks: Vec<String>, return_when: ReturnWhen, timeout: Option<Duration> },
    Cancel(String),
    Try { ops: Vec<Op>, handler: Vec<Op>, swallow: bool },
    Finally { ops: Vec<Op>, cleanup: Vec<Op> },
    Timeout(Duration, Vec<Op>),
    Group { tasks: Vec<String>, ops: Vec<Op> },
    WaitEvent(String),
    Set(String),
    Clear(String),
    Lock(String, Vec<Op>),
    Sem(String, Vec<Op>),
    Put(String, String),
    Get(String),
    FutSet(String, String),
    FutWait(String),
    CallSoon(String),
    CallLater(Duration, String),
    CancelCallback(String),
    OnDone(String, String),
}

impl Program {
    /// Reads one line.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(crate) fn parse(line: &str) -> Result<Self, String> {
        let program: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let id = text(&program["id"])?;
        let read = || {
            let [tasks, callbacks] = ["tasks", "callbacks"].map(|key| named_ops(&program[key]));
            let trace = match program["kind"].as_str() {
                Some("free") => Trace::Free(history_of_each(&program["trace"])?),
                Some("ordered") => Trace::Ordered(interleaving(&program["trace"])?),
                _ => return Err(format!("no kind of program: {}", program["kind"])),
            };
            Ok(Self { id: id.clone(), tasks: tasks?, callbacks: callbacks?, trace })
        };
        read().map_err(|wrong| format!("{id}: {wrong}"))
    }
}

impl Op {
    fn parse(op: &Value) -> Result<Self, String> {
        let Some([Value::String(name), arguments @ ..]) = op.as_array().map(Vec::as_slice) else {
            return Err(format!("no op: {op}"));
        };
        let parsed = match (name.as_str(), arguments) {
            ("log", [s]) => Self::Log(text(s)?),
            ("sleep", [ms]) => Self::Sleep(millis(ms)?),
            ("yield", []) => Self::Yield,
            ("spawn", [t]) => Self::Spawn(text(t)?),
            ("return", [v]) => Self::Return(text(v)?),
            ("raise", [m]) => Self::Raise(text(m)?),
            ("await", [t]) => Self::Await(text(t)?),
            ("shield", [t]) => Self::Shield(text(t)?),
            ("wait_for", [t, ms]) => Self::WaitFor(text(t)?, millis(ms)?),
            ("gather", [t, Value::Bool(return_exceptions)]) => {
                Self::Gather { tasks: texts(t)?, return_exceptions: *return_exceptions }
            }
            ("wait", [t, mode, ms]) => Self::Wait {
                tasks: texts(t)?,
                return_when: return_when(mode)?,
                timeout: if ms.is_null() { None } else { Some(millis(ms)?) },
            },
            ("cancel", [t]) => Self::Cancel(text(t)?),
            ("try", [inner, handler, end]) => Self::Try {
                ops: ops(inner)?,
                handler: ops(handler)?,
                swallow: match end.as_str() {
                    Some("swallow") => true,
                    Some("reraise") => false,
                    _ => return Err(format!("a `try` cannot end by {end}")),
                },
            },
            ("finally", [inner, cleanup]) => {
                Self::Finally { ops: ops(inner)?, cleanup: ops(cleanup)? }
            }
            ("timeout", [ms, inner]) => Self::Timeout(millis(ms)?, ops(inner)?),
            ("group", [t, inner]) => Self::Group { tasks: texts(t)?, ops: ops(inner)? },
            ("wait_event", [e]) => Self::WaitEvent(text(e)?),
            ("set", [e]) => Self::Set(text(e)?),
            ("clear", [e]) => Self::Clear(text(e)?),
            ("lock", [l, inner]) => Self::Lock(text(l)?, ops(inner)?),
            ("sem", [s, inner]) => Self::Sem(text(s)?, ops(inner)?),
            ("put", [q, v]) => Self::Put(text(q)?, text(v)?),
            ("get", [q]) => Self::Get(text(q)?),
            ("fut_set", [f, v]) => Self::FutSet(text(f)?, text(v)?),
            ("fut_wait", [f]) => Self::FutWait(text(f)?),
            ("call_soon", [c]) => Self::CallSoon(text(c)?),
            ("call_later", [ms, c]) => Self::CallLater(millis(ms)?, text(c)?),
            ("cancel_callback", [c]) => Self::CancelCallback(text(c)?),
            ("on_done", [t, c]) => Self::OnDone(text(t)?, text(c)?),
            _ => return Err(format!("no op: {op}")),
        };
        Ok(parsed)
    }
}

fn named_ops(value: &Value) -> Result<BTreeMap<String, Vec<Op>>, String> {
    let Some(named) = value.as_object() else { return Err(format!("no lists of ops: {value}")) };
    named.iter().map(|(name, list)| Ok((name.clone(), ops(list)?))).collect()
}

fn ops(value: &Value) -> Result<Vec<Op>, String> {
    list(value)?.iter().map(Op::parse).collect()
}

fn return_when(value: &Value) -> Result<ReturnWhen, String> {
    match value.as_str() {
        Some("FIRST_COMPLETED") => Ok(ReturnWhen::FirstCompleted),
        Some("FIRST_EXCEPTION") => Ok(ReturnWhen::FirstException),
        Some("ALL_COMPLETED") => Ok(ReturnWhen::AllCompleted),
        _ => Err(format!("`wait` knows no {value}")),
    }
}

/// `{who: [[ms, text], ..], ..}`
fn history_of_each(value: &Value) -> Result<BTreeMap<String, Vec<Entry>>, String> {
    let Some(histories) = value.as_object() else { return Err(format!("no trace: {value}")) };
    let history = |(who, list): (&String, &Value)| {
        let entries = self::list(list)?.iter().map(|entry| {
            Ok(Entry { at: millis(&entry[0])?, who: who.clone(), text: text(&entry[1])? })
        });
        Ok((who.clone(), entries.collect::<Result<_, String>>()?))
    };
    histories.iter().map(history).collect()
}

/// `[[ms, who, text], ..]`
fn interleaving(value: &Value) -> Result<Vec<Entry>, String> {
    let entry = |entry: &Value| {
        Ok(Entry { at: millis(&entry[0])?, who: text(&entry[1])?, text: text(&entry[2])? })
    };
    list(value)?.iter().map(entry).collect()
}

fn list(value: &Value) -> Result<&[Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| format!("no list: {value}"))
}

fn texts(value: &Value) -> Result<Vec<String>, String> {
    list(value)?.iter().map(text).collect()
}

fn text(value: &Value) -> Result<String, String> {
    value.as_str().map(str::to_owned).ok_or_else(|| format!("no text: {value}"))
}

fn millis(value: &Value) -> Result<Duration, String> {
    value.as_u64().map(Duration::from_millis).ok_or_else(|| format!("no milliseconds: {value}"))
}
