//! Lets threads that finish out of order pass one by one, in order.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// State that tickets 0, 1, 2 … visit in this order, whichever thread holds them.
#[derive(Debug)]
pub struct Turnstile<T> {
    inside: Mutex<Inside<T>>,
    moved: Condvar,
}

#[derive(Debug)]
struct Inside<T> {
    next: u64,
    broken: bool,
    state: T,
}

/// A ticket before this one will never come: its thread failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another thread stopped first")]
pub struct Broken;

impl<T> Turnstile<T> {
    /// A turnstile that waits for ticket 0.
    pub fn new(state: T) -> Self {
        Self { inside: Mutex::new(Inside { next: 0, broken: false, state }), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Inside<T>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the ticket's turn, then visits the state.
    ///
    /// # Errors
    /// [`Broken`] when the turn will never come.
    pub fn enter<R>(&self, ticket: u64, visit: impl FnOnce(&mut T) -> R) -> Result<R, Broken> {
        let waiting = self.lock();
        let mut inside = self
            .moved
            .wait_while(waiting, |inside| !inside.broken && inside.next != ticket)
            .unwrap_or_else(PoisonError::into_inner);
        if inside.broken {
            return Err(Broken);
        }
        let result = visit(&mut inside.state);
        inside.next += 1;
        drop(inside);
        self.moved.notify_all();
        Ok(result)
    }

    /// Sends everybody who waits away: a ticket will not come.
    pub fn break_down(&self) {
        self.lock().broken = true;
        self.moved.notify_all();
    }

    /// The state, after everybody has passed.
    pub fn into_state(self) -> T {
        self.inside.into_inner().unwrap_or_else(PoisonError::into_inner).state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_pass_in_order_from_any_thread() {
        let turnstile = Turnstile::new(Vec::new());
        std::thread::scope(|scope| {
            for ticket in [3, 1, 0, 2] {
                let turnstile = &turnstile;
                scope.spawn(move || turnstile.enter(ticket, |passed| passed.push(ticket)).unwrap());
            }
        });
        assert_eq!(turnstile.into_state(), [0, 1, 2, 3]);
    }

    #[test]
    fn nobody_waits_for_a_ticket_that_will_not_come() {
        let turnstile = Turnstile::new(());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| turnstile.enter(1, |()| ()));
            turnstile.break_down();
            assert_eq!(waiting.join().unwrap(), Err(Broken));
        });
    }
}
