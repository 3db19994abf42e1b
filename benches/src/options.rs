//! The command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use crate::row::Row;
use crate::{child, load, runner};

const HELP: &str = "\
Compares Loopwork with tokio and smol: the same work, one process a runtime, rounds interleaved.

    cargo run --release -p loopwork-benches -- [OPTIONS]

    --smoke        tiny sizes, one round: whether it works, not how fast it is
    --rows A,B     only these rows; by default all of them
    --workers N    how many workers each runtime has (2)
    --rounds N     how many processes each runtime gets for a row (7)
    --quiet SECS   waits before each round, at most so long, until nobody else uses the machine
    --opt-ins      tokio without sockets and timers, and tokio on one thread, count as peers too
    --csv FILE     writes every process's samples to a file
    --help         prints this
";

/// What the runner is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) smoke: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) workers: usize,
    pub(crate) rounds: usize,
    /// How long to wait for a quiet machine before each round.
    pub(crate) patience: Duration,
    /// Whether peers take part that are not built as they come.
    pub(crate) opt_ins: bool,
    pub(crate) csv: Option<PathBuf>,
    /// As it was given.
    pub(crate) arguments: Vec<String>,
}

/// The whole program: reads the arguments of this process and does what they say.
#[must_use]
pub fn command_line() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.split_first() {
        // These two are for the runner, which starts this program again.
        Some((mode, rest)) if mode == "--child" => child::run(rest),
        Some((mode, rest)) if mode == "--load" => load::run(rest),
        _ if arguments.iter().any(|argument| argument == "--help") => {
            print!("{HELP}\nThe rows, of which README.md says more:\n\n{}", Row::columns());
            Ok(())
        }
        _ => parse(&arguments).and_then(|options| runner::run(&options)),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("loopwork-benches: {message}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    let mut options = Options {
        smoke: false,
        rows: Row::ALL.to_vec(),
        workers: 2,
        rounds: 7,
        patience: Duration::ZERO,
        opt_ins: false,
        csv: None,
        arguments: arguments.to_vec(),
    };
    let mut rounds = None;
    let mut arguments = arguments.iter();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name.as_str() {
            "--smoke" => options.smoke = true,
            "--rows" => options.rows = parse_rows(value()?)?,
            "--workers" => options.workers = parse_count(value()?)?,
            "--rounds" => rounds = Some(parse_count(value()?)?),
            "--quiet" => options.patience = Duration::from_secs(parse_count(value()?)? as u64),
            "--opt-ins" => options.opt_ins = true,
            "--csv" => options.csv = Some(value()?.into()),
            _ => return Err(format!("no option is called {name}; try --help")),
        }
    }
    options.rounds = rounds.unwrap_or(if options.smoke { 1 } else { options.rounds });
    Ok(options)
}

fn parse_rows(names: &str) -> Result<Vec<Row>, String> {
    names
        .split(',')
        .map(|name| Row::named(name).ok_or(format!("no row is called {name}: {}", Row::names())))
        .collect()
}

fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if count > 0 => Ok(count),
        _ => Err(format!("{text} is not a number from 1 up")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(line: &str) -> Result<Options, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_given_is_everything_at_full_size() {
        let options = options("").unwrap();
        assert_eq!(options.rows, Row::ALL);
        assert_eq!((options.smoke, options.workers, options.rounds), (false, 2, 7));
        assert!(!options.opt_ins);
    }

    #[test]
    fn smoke_is_one_round_unless_more_are_asked_for() {
        assert_eq!(options("--smoke").unwrap().rounds, 1);
        assert_eq!(options("--rounds 3 --smoke").unwrap().rounds, 3);
    }

    #[test]
    fn rows_are_chosen_by_name() {
        let chosen = options("--rows echo,spawn_join --workers 4").unwrap();
        assert_eq!(chosen.rows, [Row::Echo, Row::SpawnJoin]);
        assert_eq!(chosen.workers, 4);
    }

    #[test]
    fn mistakes_are_named() {
        for line in ["--rows nothing", "--workers 0", "--rounds", "--fast"] {
            assert!(options(line).is_err(), "{line}");
        }
    }
}
