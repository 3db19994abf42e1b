//! The first of several futures, in the calling task.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll};

use loopwork_core::random_below;
use pin_project_lite::pin_project;

/// Gives the output of the first of `futures` that is ready, and drops the others.
///
/// They run in the calling task, by turns, and need not be `Send` or `'static`: nothing is spawned.
/// Each poll begins with another one of them, drawn at random (by the loop's seed, if it has one), so
/// that of two that are always ready neither starves. [`race!`](crate::race!) is for futures of
/// different types, and allocates nothing; this is one box for each.
///
/// The others are **dropped wherever they wait**: use what loses nothing then. The table of what each
/// operation promises is in the documentation, under "Cancellation". A
/// [`Task`](loopwork_core::Task) that is dropped runs on.
///
/// It works on any executor.
///
/// asyncio: `wait(.., return_when=FIRST_COMPLETED)` and cancelling the rest.
///
/// # Panics
///
/// If there are no futures: none of them would ever be first.
///
/// ```
/// # fn block_on<F: std::future::Future>(future: F) -> F::Output {
/// #     loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap()
/// #         .block_on(future).unwrap()
/// # }
/// use loopwork_tasks::{race, yield_now};
///
/// async fn after_yields(count: u32) -> u32 {
///     for _ in 0..count {
///         yield_now().await;
///     }
///     count
/// }
///
/// assert_eq!(block_on(race([3, 1, 2].map(after_yields))), 1);
/// ```
#[doc(alias = "select")]
#[doc(alias = "FIRST_COMPLETED")]
#[track_caller]
pub fn race<I>(futures: I) -> Race<<I::Item as IntoFuture>::IntoFuture>
where
    I: IntoIterator,
    I::Item: IntoFuture,
{
    let futures: Vec<_> =
        futures.into_iter().map(|future| Box::pin(future.into_future())).collect();
    assert!(!futures.is_empty(), "a race of no futures would never end: give it one or more");
    Race { futures }
}

/// The future of [`race`]. Dropping it drops them all.
#[must_use = "futures do nothing unless awaited"]
pub struct Race<F> {
    /// None when it is over.
    futures: Vec<Pin<Box<F>>>,
}

impl<F: Future> Future for Race<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let count = self.futures.len();
        assert!(count > 0, "`race` was polled after it had given its output");
        let first = draw(count);
        for turn in 0..count {
            let index = (first + turn) % count;
            if let Poll::Ready(output) = self.futures[index].as_mut().poll(cx) {
                // Unwind: a destructor that panics is the caller's panic; the rest is dropped with it.
                drop(std::mem::take(&mut self.futures));
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    }
}

impl<F> fmt::Debug for Race<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Race").field("futures", &self.futures.len()).finish()
    }
}

/// Which of so many is polled first.
fn draw(count: usize) -> usize {
    random_below(count).unwrap_or_else(|| {
        loopwork_shim::thread_local! {
            static TURN: Cell<usize> = Cell::new(0)
        }
        // No loop runs here: by turns.
        TURN.with(|turn| turn.replace(turn.get().wrapping_add(1))) % count
    })
}

/// [`race()`] for two to six futures of different types: runs the arm of the first that is ready.
///
/// Each arm is `pattern = future => expression`; the pattern takes any output. All futures are dropped
/// before the arm runs, so that it may use what they had borrowed, and may `await`. It belongs into an
/// `async` function or block, and runs on any executor.
///
/// What [`race()`] says of the order, and of what is dropped, holds here too.
///
/// ```
/// # fn block_on<F: std::future::Future>(future: F) -> F::Output {
/// #     loopwork_core::Builder::new().build(loopwork_core::SleepDriver::new()).unwrap()
/// #         .block_on(future).unwrap()
/// # }
/// use std::future::pending;
/// use loopwork_tasks::race;
///
/// let said = block_on(async {
///     race! {
///         number = async { 7 } => format!("the number {number}"),
///         () = pending() => "nothing".to_owned(),
///     }
/// });
/// assert_eq!(said, "the number 7");
/// ```
#[macro_export]
macro_rules! race {
    ($a:pat = $fa:expr => $xa:expr, $b:pat = $fb:expr => $xb:expr $(,)?) => {{
        let raced = $crate::__private::Race2::new($fa, $fb).await;
        match raced {
            $crate::__private::Of2::A($a) => $xa,
            $crate::__private::Of2::B($b) => $xb,
        }
    }};
    ($a:pat = $fa:expr => $xa:expr, $b:pat = $fb:expr => $xb:expr,
     $c:pat = $fc:expr => $xc:expr $(,)?) => {{
        let raced = $crate::__private::Race3::new($fa, $fb, $fc).await;
        match raced {
            $crate::__private::Of3::A($a) => $xa,
            $crate::__private::Of3::B($b) => $xb,
            $crate::__private::Of3::C($c) => $xc,
        }
    }};
    ($a:pat = $fa:expr => $xa:expr, $b:pat = $fb:expr => $xb:expr,
     $c:pat = $fc:expr => $xc:expr, $d:pat = $fd:expr => $xd:expr $(,)?) => {{
        let raced = $crate::__private::Race4::new($fa, $fb, $fc, $fd).await;
        match raced {
            $crate::__private::Of4::A($a) => $xa,
            $crate::__private::Of4::B($b) => $xb,
            $crate::__private::Of4::C($c) => $xc,
            $crate::__private::Of4::D($d) => $xd,
        }
    }};
    ($a:pat = $fa:expr => $xa:expr, $b:pat = $fb:expr => $xb:expr,
     $c:pat = $fc:expr => $xc:expr, $d:pat = $fd:expr => $xd:expr,
     $e:pat = $fe:expr => $xe:expr $(,)?) => {{
        let raced = $crate::__private::Race5::new($fa, $fb, $fc, $fd, $fe).await;
        match raced {
            $crate::__private::Of5::A($a) => $xa,
            $crate::__private::Of5::B($b) => $xb,
            $crate::__private::Of5::C($c) => $xc,
            $crate::__private::Of5::D($d) => $xd,
            $crate::__private::Of5::E($e) => $xe,
        }
    }};
    ($a:pat = $fa:expr => $xa:expr, $b:pat = $fb:expr => $xb:expr,
     $c:pat = $fc:expr => $xc:expr, $d:pat = $fd:expr => $xd:expr,
     $e:pat = $fe:expr => $xe:expr, $f:pat = $ff:expr => $xf:expr $(,)?) => {{
        let raced = $crate::__private::Race6::new($fa, $fb, $fc, $fd, $fe, $ff).await;
        match raced {
            $crate::__private::Of6::A($a) => $xa,
            $crate::__private::Of6::B($b) => $xb,
            $crate::__private::Of6::C($c) => $xc,
            $crate::__private::Of6::D($d) => $xd,
            $crate::__private::Of6::E($e) => $xe,
            $crate::__private::Of6::F($f) => $xf,
        }
    }};
}

macro_rules! race_of {
    ($race:ident $of:ident $count:literal: $($name:ident $field:ident $index:literal),+) => {
        /// Which was first, and its output.
        #[derive(Debug)]
        pub enum $of<$($name),+> {
            $(#[doc = "This one."] $name($name)),+
        }

        pin_project! {
            /// What `race!` awaits.
            #[must_use = "futures do nothing unless awaited"]
            #[derive(Debug)]
            pub struct $race<$($name),+> {
                $(#[pin] $field: $name),+
            }
        }

        impl<$($name: Future),+> $race<$($name),+> {
            /// Of these.
            pub fn new(
                $($field: impl IntoFuture<IntoFuture = $name, Output = $name::Output>),+
            ) -> Self {
                Self { $($field: $field.into_future()),+ }
            }
        }

        impl<$($name: Future),+> Future for $race<$($name),+> {
            type Output = $of<$($name::Output),+>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let mut this = self.project();
                let first = draw($count);
                for turn in 0..$count {
                    match (first + turn) % $count {
                        $($index => if let Poll::Ready(output) = this.$field.as_mut().poll(cx) {
                            return Poll::Ready($of::$name(output));
                        })+
                        _ => unreachable!("that many there are"),
                    }
                }
                Poll::Pending
            }
        }
    };
}

race_of!(Race2 Of2 2: A a 0, B b 1);
race_of!(Race3 Of3 3: A a 0, B b 1, C c 2);
race_of!(Race4 Of4 4: A a 0, B b 1, C c 2, D d 3);
race_of!(Race5 Of5 5: A a 0, B b 1, C c 2, D d 3, E e 4);
race_of!(Race6 Of6 6: A a 0, B b 1, C c 2, D d 3, E e 4, F f 5);
