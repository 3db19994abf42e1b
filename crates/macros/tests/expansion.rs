//! The expansions compile and run, against a stand-in for the facade.

use std::num::ParseIntError;

/// Runs the future on this thread and remembers the number of workers asked for.
mod facade {
    pub(crate) mod __private {
        use std::cell::Cell;
        use std::future::Future;

        thread_local! {
            pub(crate) static WORKERS: Cell<Option<usize>> = const { Cell::new(None) };
        }

        pub(crate) fn block_on_main<F: Future>(workers: Option<usize>, future: F) -> F::Output {
            WORKERS.with(|asked| asked.set(workers));
            futures::executor::block_on(future)
        }

        #[derive(Default)]
        pub(crate) struct Test(Option<usize>);

        impl Test {
            pub(crate) fn new() -> Self {
                Self::default()
            }

            pub(crate) fn workers(self, workers: usize) -> Self {
                Self(Some(workers))
            }

            pub(crate) fn run<F: Future>(self, test: impl Fn() -> F) -> F::Output {
                block_on_main(self.0, test())
            }
        }
    }

    pub(crate) fn workers() -> Option<usize> {
        __private::WORKERS.with(std::cell::Cell::get)
    }
}

#[loopwork_macros::main(workers = 3, crate = "facade")]
async fn start() -> Result<i32, ParseIntError> {
    assert_eq!(facade::workers(), Some(3));
    let parsed: i32 = async { "41" }.await.parse()?;
    Ok(parsed + 1)
}

#[test]
fn main_becomes_an_ordinary_function() {
    assert_eq!(start(), Ok(42));
}

#[loopwork_macros::main(crate = "crate::facade")]
async fn nested() -> impl Iterator<Item = Option<usize>> {
    std::iter::once(facade::workers())
}

#[test]
fn main_may_return_what_has_no_name() {
    assert_eq!(nested().collect::<Vec<_>>(), [None]);
}

#[loopwork_macros::test(crate = "facade")]
async fn a_test_without_options_leaves_the_number_open() {
    assert_eq!(facade::workers(), None);
}

#[loopwork_macros::test(workers = [1, 2, 8], crate = "facade")]
async fn each_count_is_passed() -> Result<(), ParseIntError> {
    let workers = facade::workers().unwrap();
    assert!([1, 2, 8].contains(&workers));
    workers.to_string().parse::<u8>().map(drop)
}

#[loopwork_macros::test(workers = [1, 4], crate = "facade")]
#[should_panic(expected = "with some workers")]
async fn every_count_must_panic() {
    panic!("with some workers");
}

#[test]
fn the_tests_of_a_list_are_named_after_their_counts() {
    each_count_is_passed_workers_2().unwrap();
    assert_eq!(facade::workers(), Some(2));
}
