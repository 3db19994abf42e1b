//! What `gather` gathers: a list of tasks of one type, or a tuple of tasks of several.

use std::panic::Location;
use std::sync::Arc;

use loopwork_context::Request;
use loopwork_core::{AnyTask, Handle, IntoTask, Task, TaskError, Watch};

use crate::ensure::into_task;
use crate::gather::GatherError;
use crate::tally::Tally;

/// Awaitables that [`gather`](crate::gather()) can make tasks of.
pub trait Gatherable {
    /// The tasks they become.
    type Family: Family;

    #[doc(hidden)]
    #[track_caller]
    fn spawn(self, handle: &Handle, location: &'static Location<'static>) -> Self::Family;
}

/// Tasks that are waited for together.
pub trait Family {
    /// All values.
    type Output;
    /// All results.
    type Results;

    #[doc(hidden)]
    fn watch(&self, tally: &Counter) -> Vec<Watch>;
    #[doc(hidden)]
    fn count(&self) -> usize;
    /// Passes a request on to all that have not ended.
    #[doc(hidden)]
    fn forward(&self, request: &Request);
    /// Failures that come after the first are of no interest.
    #[doc(hidden)]
    fn ignore_failures(&self);
    /// The error of one that has failed.
    #[doc(hidden)]
    fn error(&self, index: usize) -> TaskError;
    #[doc(hidden)]
    fn any_cancelled(&self) -> bool;
    #[doc(hidden)]
    fn take(&self) -> Result<Self::Output, TaskError>;
    #[doc(hidden)]
    fn take_results(&self) -> Self::Results;
}

/// Tasks of results, with one type of error.
pub trait TryFamily: Family {
    /// All values of results that are `Ok`.
    type Values;
    /// The error of one that is not.
    type Error;

    /// As `watch`; an `Err` is a failure.
    #[doc(hidden)]
    fn watch_errors(&self, tally: &Counter) -> Vec<Watch>;
    /// The error of one that has failed.
    #[doc(hidden)]
    fn first_error(&self, index: usize) -> GatherError<Self::Error>;
    #[doc(hidden)]
    fn take_values(&self) -> Result<Self::Values, GatherError<Self::Error>>;
}

fn try_take<T: 'static, E: 'static>(task: &Task<Result<T, E>>) -> Result<T, GatherError<E>> {
    match task.take_shared() {
        Ok(result) => result.map_err(GatherError::Failed),
        Err(error) => Err(GatherError::Task(error)),
    }
}

fn first_error_of<T: 'static, E: 'static>(task: &Task<Result<T, E>>) -> GatherError<E> {
    match try_take(task) {
        Err(error) => error,
        Ok(_) => unreachable!("asked for the error of a task that has not failed"),
    }
}

/// Hides how ends are counted.
#[derive(Debug)]
pub struct Counter(pub(crate) Arc<Tally>);

fn forward(tasks: Vec<AnyTask>, request: &Request) {
    let reasons: Vec<_> = request.reasons().cloned().collect();
    AnyTask::cancel_together(&tasks, &reasons, || {});
}

/// The error of a task that did not return.
fn error_of<T>(task: &Task<T>) -> TaskError {
    match task.take_result() {
        Err(error) => error,
        Ok(_) => unreachable!("asked for the error of a task that returned"),
    }
}

impl<A: IntoTask> Gatherable for Vec<A> {
    type Family = Vec<Task<A::Output>>;

    #[track_caller]
    fn spawn(self, handle: &Handle, location: &'static Location<'static>) -> Self::Family {
        self.into_iter().map(|awaitable| into_task(awaitable, handle, location)).collect()
    }
}

impl<T: Send + 'static> Family for Vec<Task<T>> {
    type Output = Vec<T>;
    type Results = Vec<Result<T, TaskError>>;

    fn watch(&self, tally: &Counter) -> Vec<Watch> {
        let watch = |(index, task)| tally.0.watch(index, task, |_| false);
        self.iter().enumerate().filter_map(watch).collect()
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn forward(&self, request: &Request) {
        forward(self.iter().map(Task::as_any).collect(), request);
    }

    fn ignore_failures(&self) {
        self.iter().for_each(Task::ignore_failure);
    }

    fn error(&self, index: usize) -> TaskError {
        error_of(&self[index])
    }

    fn any_cancelled(&self) -> bool {
        self.iter().any(Task::cancelled)
    }

    fn take(&self) -> Result<Vec<T>, TaskError> {
        self.iter().map(Task::take_shared).collect()
    }

    fn take_results(&self) -> Self::Results {
        self.iter().map(Task::take_shared).collect()
    }
}

impl<T: Send + 'static, E: Send + 'static> TryFamily for Vec<Task<Result<T, E>>> {
    type Values = Vec<T>;
    type Error = E;

    fn watch_errors(&self, tally: &Counter) -> Vec<Watch> {
        let watch = |(index, task)| tally.0.watch(index, task, Result::is_err);
        self.iter().enumerate().filter_map(watch).collect()
    }

    fn first_error(&self, index: usize) -> GatherError<E> {
        first_error_of(&self[index])
    }

    fn take_values(&self) -> Result<Vec<T>, GatherError<E>> {
        self.iter().map(try_take).collect()
    }
}

macro_rules! tuple_family {
    ($($name:ident $index:tt),+) => {
        impl<Err: Send + 'static, $($name: Send + 'static),+> TryFamily
            for ($(Task<Result<$name, Err>>,)+)
        {
            type Values = ($($name,)+);
            type Error = Err;

            fn watch_errors(&self, tally: &Counter) -> Vec<Watch> {
                let watches =
                    [$(tally.0.watch($index, &self.$index, |result| result.is_err())),+];
                watches.into_iter().flatten().collect()
            }

            fn first_error(&self, index: usize) -> GatherError<Err> {
                match index {
                    $($index => first_error_of(&self.$index),)+
                    _ => unreachable!("no such task"),
                }
            }

            fn take_values(&self) -> Result<Self::Values, GatherError<Err>> {
                Ok(($(try_take(&self.$index)?,)+))
            }
        }

        impl<$($name: IntoTask),+> Gatherable for ($($name,)+) {
            type Family = ($(Task<$name::Output>,)+);

            #[track_caller]
            fn spawn(self, handle: &Handle, location: &'static Location<'static>) -> Self::Family {
                ($(into_task(self.$index, handle, location),)+)
            }
        }

        impl<$($name: Send + 'static),+> Family for ($(Task<$name>,)+) {
            type Output = ($($name,)+);
            type Results = ($(Result<$name, TaskError>,)+);

            fn watch(&self, tally: &Counter) -> Vec<Watch> {
                [$(tally.0.watch($index, &self.$index, |_| false)),+].into_iter().flatten().collect()
            }

            fn count(&self) -> usize {
                [$($index),+].len()
            }

            fn forward(&self, request: &Request) {
                forward(vec![$(self.$index.as_any()),+], request);
            }

            fn ignore_failures(&self) {
                $(self.$index.ignore_failure();)+
            }

            fn error(&self, index: usize) -> TaskError {
                match index {
                    $($index => error_of(&self.$index),)+
                    _ => unreachable!("no such task"),
                }
            }

            fn any_cancelled(&self) -> bool {
                $(self.$index.cancelled())||+
            }

            fn take(&self) -> Result<Self::Output, TaskError> {
                Ok(($(self.$index.take_shared()?,)+))
            }

            fn take_results(&self) -> Self::Results {
                ($(self.$index.take_shared(),)+)
            }
        }
    };
}

tuple_family!(A 0);
tuple_family!(A 0, B 1);
tuple_family!(A 0, B 1, C 2);
tuple_family!(A 0, B 1, C 2, D 3);
tuple_family!(A 0, B 1, C 2, D 3, E 4);
tuple_family!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple_family!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple_family!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple_family!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple_family!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple_family!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple_family!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
