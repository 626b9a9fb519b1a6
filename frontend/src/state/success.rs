//! The last message of success. It goes away when the next action starts, wherever on the page it was.

use std::cell::RefCell;

thread_local! {
    static LAST: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// Notes how to take away a message that is shown from now on.
pub fn shown(take_away: impl FnOnce() + 'static) {
    LAST.with_borrow_mut(|last| *last = Some(Box::new(take_away)));
}

/// Takes the last message away.
pub fn clear() {
    if let Some(take_away) = LAST.take() {
        take_away();
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[test]
    fn a_message_is_taken_away_once() {
        let cleared = Rc::new(Cell::new(0));
        let count = cleared.clone();
        shown(move || count.set(count.get() + 1));
        clear();
        clear();
        assert_eq!(cleared.get(), 1);
    }
}
