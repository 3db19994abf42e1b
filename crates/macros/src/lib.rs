//! `#[loopwork::main]` and `#[loopwork::test]`.
//!
//! This crate knows the runtime by one path only: both macros expand to a call of
//! `::loopwork::__private::block_on_main`, which the facade provides. Use them through the facade,
//! whose tests run both.
//!
//! | file | holds |
//! |---|---|
//! | `options.rs` | what may stand in the parentheses of the attribute |
//! | `expand.rs` | the checks of the function, and what it becomes |
//! | `tests.rs` | the expansions and the errors, token by token |

#![forbid(unsafe_code)]

mod expand;
mod options;
#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Runs the body of an `async fn` on an event loop, and makes it an ordinary function.
///
/// asyncio's `asyncio.run(main())`. The loop is made before the body runs and closed after it. What
/// the body returns, the function returns; a panic of the body goes on in its caller.
///
/// | option | means |
/// |---|---|
/// | `workers = 4` | how many workers the loop has; by default as many as the machine runs at once |
/// | `crate = "path"` | where the `loopwork` crate is, if it was renamed or re-exported |
///
/// With `workers = 1` the loop is asyncio's: one thread, one queue, one order.
///
/// ```rust,ignore (the macro crate cannot depend on the facade, whose tests run the like)
/// #[loopwork::main(workers = 4)]
/// async fn main() -> Result<(), std::num::ParseIntError> {
///     let answer: i32 = async { "42".parse() }.await?;
///     assert_eq!(answer, 42);
///     Ok(())
/// }
/// ```
///
/// # Errors
///
/// The function must be `async`, and take neither arguments nor generic parameters; the compiler
/// reports anything else, with what to do about it.
#[doc(alias = "asyncio.run")]
#[proc_macro_attribute]
pub fn main(options: TokenStream, function: TokenStream) -> TokenStream {
    expand::main(options.into(), function.into()).into()
}

/// Runs the body of an `async fn` on an event loop of its own, as a test.
///
/// The options are those of [`macro@main`], and these:
///
/// | option | means |
/// |---|---|
/// | `workers = [1, 2, 8]` | a test of each count, named after it (`name_workers_1` and so on), so that each passes or fails by itself |
/// | `virtual_time` | the loop has a virtual clock: time jumps to the next deadline when nothing can run, so that a test that sleeps for a year ends at once |
/// | `seed = 7` | with one worker: ready tasks run in another legal order, the same in each run |
/// | `seeds = 100` | the test runs that often, in the orders of the seeds from 0 on |
///
/// A test that fails under a seed prints it. With the environment variable `LOOPWORK_SEED` set to a
/// number, a test with `seed` or `seeds` runs once, under that one.
///
/// The other attributes of the function are kept: `#[ignore]`, `#[should_panic]`, `#[cfg(..)]`.
///
/// ```rust,ignore (the macro crate cannot depend on the facade, whose tests run the like)
/// #[loopwork::test(workers = [1, 4])]
/// async fn a_future_gives_its_value() {
///     assert_eq!(async { 6 * 7 }.await, 42);
/// }
/// ```
///
/// # Errors
///
/// As [`macro@main`]. The attribute `#[test]` is added, and must not be there already.
#[doc(alias = "IsolatedAsyncioTestCase")]
#[proc_macro_attribute]
pub fn test(options: TokenStream, function: TokenStream) -> TokenStream {
    expand::test(options.into(), function.into()).into()
}
