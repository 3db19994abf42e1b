//! What a program did, and how that differs from what it ought to have done.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};
use std::time::Duration;

use loopwork_shim::sync::Mutex;

/// How many entries before a difference are shown, and how many from it on.
const BEFORE: usize = 6;
const FROM: usize = 6;

/// Somebody said something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The time since the program began. It is compared to the nanosecond.
    pub(crate) at: Duration,
    pub(crate) who: String,
    pub(crate) text: String,
}

/// What is recorded while a program runs.
#[derive(Debug, Default)]
pub(crate) struct Record(Mutex<Vec<Entry>>);

/// What a program is to leave behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trace {
    /// What each task and callback said, whatever others said in between.
    Free(BTreeMap<String, Vec<Entry>>),
    /// What all said, in one order.
    Ordered(Vec<Entry>),
}

impl Record {
    pub(crate) fn say(&self, at: Duration, who: &str, text: String) {
        self.0.lock().push(Entry { at, who: who.to_owned(), text });
    }

    /// All of it, in the form that `like` has.
    pub(crate) fn take(&self, like: &Trace) -> Trace {
        let entries = std::mem::take(&mut *self.0.lock());
        match like {
            Trace::Ordered(_) => Trace::Ordered(entries),
            Trace::Free(_) => {
                let mut histories = BTreeMap::<_, Vec<_>>::new();
                for entry in entries {
                    histories.entry(entry.who.clone()).or_default().push(entry);
                }
                Trace::Free(histories)
            }
        }
    }
}

impl Trace {
    /// How `found` differs from this, to be read by people. `None` if it does not.
    pub(crate) fn difference(&self, found: &Self) -> Option<String> {
        let (asyncio, loopwork) = (self.histories(), found.histories());
        let names: BTreeSet<_> = asyncio.keys().chain(loopwork.keys()).copied().collect();
        let mut shown = String::new();
        for who in names {
            let [asyncio, loopwork] =
                [&asyncio, &loopwork].map(|all| all.get(who).copied().unwrap_or_default());
            if asyncio != loopwork {
                show_difference(&mut shown, asyncio, loopwork);
            }
        }
        (!shown.is_empty()).then_some(shown)
    }

    /// What is compared as one sequence, by name.
    fn histories(&self) -> BTreeMap<&str, &[Entry]> {
        match self {
            Self::Ordered(entries) => [("", entries.as_slice())].into(),
            Self::Free(each) => each.iter().map(|(who, h)| (who.as_str(), h.as_slice())).collect(),
        }
    }
}

/// What both have before the first difference, and what each has from there on.
fn show_difference(shown: &mut String, asyncio: &[Entry], loopwork: &[Entry]) {
    let same = asyncio.iter().zip(loopwork).take_while(|(a, b)| a == b).count();
    let skipped = same.saturating_sub(BEFORE);
    let mut line = |mark: &str, line: &dyn fmt::Display| {
        writeln!(shown, "    {mark:8} {line}").expect("a string takes everything");
    };
    if skipped > 0 {
        line("", &format_args!("({skipped} entries that are the same)"));
    }
    asyncio[skipped..same].iter().for_each(|entry| line("", entry));
    for (name, entries) in [("asyncio", &asyncio[same..]), ("loopwork", &loopwork[same..])] {
        entries.iter().take(FROM).for_each(|entry| line(name, entry));
        match entries.len().saturating_sub(FROM) {
            0 if entries.is_empty() => line(name, &"(nothing more)"),
            0 => {}
            more => line(name, &format_args!("({more} more)")),
        }
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = format!("{:?}", self.at);
        write!(f, "{at:>8}  {:6} {}", self.who, self.text)
    }
}

/// As Python prints a list of strings.
pub(crate) fn python_list<'a>(strings: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = strings.into_iter().map(|string| format!("'{string}'")).collect();
    format!("[{}]", quoted.join(", "))
}

fn entry(ms: u64, who: &str, text: &str) -> Entry {
    Entry { at: Duration::from_millis(ms), who: who.to_owned(), text: text.to_owned() }
}

#[test]
fn traces_are_compared_as_their_kind_says() {
    let record = Record::default();
    record.say(Duration::from_millis(1), "b", "first".to_owned());
    record.say(Duration::from_millis(2), "a", "second".to_owned());
    let ordered = Trace::Ordered(vec![entry(1, "b", "first"), entry(2, "a", "second")]);
    let found = record.take(&ordered);
    assert_eq!(ordered.difference(&found), None);
    let swapped = Trace::Ordered(vec![entry(2, "a", "second"), entry(1, "b", "first")]);
    assert!(swapped.difference(&found).is_some());

    let of = |who: &str, ms, text| (who.to_owned(), vec![entry(ms, who, text)]);
    let free = |ms| Trace::Free([of("a", ms, "second"), of("b", 1, "first")].into());
    assert_eq!(free(2).difference(&free(2)), None);
    assert!(free(2).difference(&free(3)).is_some());
    let less = Trace::Free([of("a", 2, "second")].into());
    assert!(free(2).difference(&less).is_some() && less.difference(&free(2)).is_some());
}

#[test]
fn a_difference_shows_what_led_to_it() {
    let entries: Vec<_> = (0..20).map(|n| entry(n, "t", "same")).collect();
    let mut other = entries.clone();
    other[10].text = "other".to_owned();
    let shown = Trace::Ordered(entries).difference(&Trace::Ordered(other)).unwrap();
    let lines: Vec<_> = shown.lines().collect();
    assert_eq!(lines[0].trim(), "(4 entries that are the same)");
    assert_eq!(lines[1].trim(), "4ms  t      same");
    assert_eq!(lines[7].trim(), "asyncio      10ms  t      same");
    assert_eq!(lines[13].trim(), "asyncio  (4 more)");
    assert_eq!(lines[14].trim(), "loopwork     10ms  t      other");
    assert_eq!(lines.len(), 21);
}
