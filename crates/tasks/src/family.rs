//! What `gather` gathers: a list of tasks of one type, or a tuple of tasks of several.

use std::panic::Location;
use std::sync::Arc;

use loopwork_context::Request;
use loopwork_core::{AnyTask, Handle, IntoTask, Task, TaskError, Watch};

use crate::ensure::into_told;
use crate::gather::GatherError;
use crate::tally::{Decision, Parts, Tally};

/// Awaitables that [`gather`](crate::gather()) can make tasks of.
pub trait Gatherable {
    /// The tasks they become.
    type Family: Family;

    #[doc(hidden)]
    #[track_caller]
    fn spawn(self, spawner: Spawner<'_>) -> (Self::Family, Vec<Watch>);
}

/// With what tasks are made, and how their ends are counted.
#[derive(Debug)]
pub struct Spawner<'a> {
    pub(crate) handle: &'a Handle,
    pub(crate) location: &'static Location<'static>,
    pub(crate) parts: Parts,
    pub(crate) watches: Vec<Watch>,
}

impl Spawner<'_> {
    #[track_caller]
    fn spawn<A: IntoTask>(&mut self, awaitable: A) -> Task<A::Output> {
        let part = self.parts.make();
        let (task, watch) = into_told(awaitable, self.handle, self.location, part);
        self.watches.extend(watch);
        task
    }
}

/// Tasks that are waited for together.
pub trait Family {
    /// All values.
    type Output;
    /// All results.
    type Results;

    /// Those that decide, and are not marked as ended yet.
    #[doc(hidden)]
    fn ending(&self, decision: Came) -> Vec<AnyTask>;
    /// Passes a request on to all that have not ended.
    #[doc(hidden)]
    fn forward(&self, request: &Request);
    /// Failures that come after the first are of no interest.
    #[doc(hidden)]
    fn ignore_failures(&self);
    /// The error of one that has failed.
    #[doc(hidden)]
    fn error(&self, index: usize) -> TaskError;
    /// Whether one that has failed has done so in answer to a request.
    #[doc(hidden)]
    fn has_answered(&self, index: usize) -> bool;
    #[doc(hidden)]
    fn take(self) -> Result<Self::Output, TaskError>;
    #[doc(hidden)]
    fn take_results(self) -> Self::Results;
}

/// Tasks of results, with one type of error.
pub trait TryFamily: Family {
    /// All values of results that are `Ok`.
    type Values;
    /// The error of one that is not.
    type Error;

    /// From now on an `Err` is a failure.
    #[doc(hidden)]
    fn watch_errors(&self, tally: &Counter) -> Vec<Watch>;
    /// One that has returned an error. All have ended.
    #[doc(hidden)]
    fn failed(&self) -> Option<usize>;
    /// The error of one that has failed.
    #[doc(hidden)]
    fn first_error(&self, index: usize) -> GatherError<Self::Error>;
    #[doc(hidden)]
    fn take_values(self) -> Result<Self::Values, GatherError<Self::Error>>;
}

pub(crate) fn try_take<T: 'static, E: 'static>(
    mut task: Task<Result<T, E>>,
) -> Result<T, GatherError<E>> {
    match task.take_joined() {
        Ok(result) => result.map_err(GatherError::Failed),
        Err(error) => Err(GatherError::Task(error)),
    }
}

pub(crate) fn first_error_of<T: 'static, E: 'static>(task: &Task<Result<T, E>>) -> GatherError<E> {
    match task.take_shared() {
        Ok(Err(error)) => GatherError::Failed(error),
        Err(error) => GatherError::Task(error),
        Ok(Ok(_)) => unreachable!("asked for the error of a task that has not failed"),
    }
}

/// Hides how ends are counted.
#[derive(Debug)]
pub struct Counter(pub(crate) Arc<Tally>);

/// Hides what the count has come to.
#[derive(Debug, Clone, Copy)]
pub struct Came(pub(crate) Decision);

fn is_ending<T>(task: &Task<T>, index: usize, decision: Came) -> bool {
    let decides = match decision.0 {
        Decision::Open => false,
        Decision::All => true,
        Decision::One(decisive) => decisive == index,
    };
    decides && !task.done()
}

pub(crate) fn forward(tasks: Vec<AnyTask>, request: &Request) {
    let reasons: Vec<_> = request.reasons().cloned().collect();
    AnyTask::cancel_together(&tasks, &reasons, || {});
}

/// The error of a task that did not return.
pub(crate) fn error_of<T>(task: &Task<T>) -> TaskError {
    match task.take_result() {
        Err(error) => error,
        Ok(_) => unreachable!("asked for the error of a task that returned"),
    }
}

impl<A: IntoTask> Gatherable for Vec<A> {
    type Family = Vec<Task<A::Output>>;

    #[track_caller]
    fn spawn(self, mut spawner: Spawner<'_>) -> (Self::Family, Vec<Watch>) {
        let mut tasks = Vec::with_capacity(self.len());
        for awaitable in self {
            tasks.push(spawner.spawn(awaitable));
        }
        (tasks, spawner.watches)
    }
}

impl<T: Send + 'static> Family for Vec<Task<T>> {
    type Output = Vec<T>;
    type Results = Vec<Result<T, TaskError>>;

    fn ending(&self, decision: Came) -> Vec<AnyTask> {
        if let Decision::One(index) = decision.0 {
            return Vec::from_iter((!self[index].done()).then(|| self[index].as_any()));
        }
        self.iter().filter(|task| !task.done()).map(Task::as_any).collect()
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

    fn has_answered(&self, index: usize) -> bool {
        self[index].has_answered()
    }

    fn take(self) -> Result<Vec<T>, TaskError> {
        let mut values = Vec::with_capacity(self.len());
        for mut task in self {
            values.push(task.take_joined()?);
        }
        Ok(values)
    }

    fn take_results(self) -> Self::Results {
        self.into_iter().map(|mut task| task.take_joined()).collect()
    }
}

impl<T: Send + 'static, E: Send + 'static> TryFamily for Vec<Task<Result<T, E>>> {
    type Values = Vec<T>;
    type Error = E;

    fn watch_errors(&self, tally: &Counter) -> Vec<Watch> {
        let watch = |(index, task)| tally.0.watch_error(index, task);
        self.iter().enumerate().filter_map(watch).collect()
    }

    fn failed(&self) -> Option<usize> {
        self.iter().position(|task| task.looker().value_is(Result::is_err))
    }

    fn first_error(&self, index: usize) -> GatherError<E> {
        first_error_of(&self[index])
    }

    fn take_values(self) -> Result<Vec<T>, GatherError<E>> {
        self.into_iter().map(try_take).collect()
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
                let watches = [$(tally.0.watch_error($index, &self.$index)),+];
                watches.into_iter().flatten().collect()
            }

            fn failed(&self) -> Option<usize> {
                $(if self.$index.looker().value_is(|result| result.is_err()) {
                    return Some($index);
                })+
                None
            }

            fn first_error(&self, index: usize) -> GatherError<Err> {
                match index {
                    $($index => first_error_of(&self.$index),)+
                    _ => unreachable!("no such task"),
                }
            }

            fn take_values(self) -> Result<Self::Values, GatherError<Err>> {
                Ok(($(try_take(self.$index)?,)+))
            }
        }

        impl<$($name: IntoTask),+> Gatherable for ($($name,)+) {
            type Family = ($(Task<$name::Output>,)+);

            #[track_caller]
            fn spawn(self, mut spawner: Spawner<'_>) -> (Self::Family, Vec<Watch>) {
                let tasks = ($(spawner.spawn(self.$index),)+);
                (tasks, spawner.watches)
            }
        }

        impl<$($name: Send + 'static),+> Family for ($(Task<$name>,)+) {
            type Output = ($($name,)+);
            type Results = ($(Result<$name, TaskError>,)+);

            fn ending(&self, decision: Came) -> Vec<AnyTask> {
                let mut ending = Vec::new();
                $(if is_ending(&self.$index, $index, decision) {
                    ending.push(self.$index.as_any());
                })+
                ending
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

            fn has_answered(&self, index: usize) -> bool {
                match index {
                    $($index => self.$index.has_answered(),)+
                    _ => unreachable!("no such task"),
                }
            }

            fn take(mut self) -> Result<Self::Output, TaskError> {
                Ok(($(self.$index.take_joined()?,)+))
            }

            fn take_results(mut self) -> Self::Results {
                ($(self.$index.take_joined(),)+)
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
