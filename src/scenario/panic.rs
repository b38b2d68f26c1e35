//! Panics during a run: bugs of dsql-sim itself, which are reported with their seed and scenario like any failure.
//!
//! A world is a value that shares nothing with other worlds. Whatever a panic leaves half done is dropped with its
//! world, so the next seed runs unharmed.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether this thread is inside [`catch`].
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
    /// The source location and the message of the last panic.
    static LAST: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Calls `work`.
///
/// # Errors
/// `work` panics: the source location and the message.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    let is_caught_already = IS_CAUGHT.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(is_caught_already);
    done.map_err(|payload| LAST.take().unwrap_or_else(|| format!("{UNKNOWN}: {}", message(&*payload))))
}

/// The source location and the message of a panic inside [`catch`] that other code has caught, as a runtime catches
/// those of its tasks.
#[cfg(feature = "sdk")]
pub(crate) fn swallowed() -> Option<String> {
    LAST.take()
}

/// Installs a panic hook, once. Only a hook learns the location of a panic. Panics outside [`catch`] go to the hook
/// that was installed before.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_CAUGHT.get() {
                let location = info.location().map_or_else(|| UNKNOWN.to_owned(), ToString::to_string);
                LAST.set(Some(format!("{location}: {}", message(info.payload()))));
            } else {
                former(info);
            }
        }));
    });
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message")
}

const UNKNOWN: &str = "an unknown location";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caught_panic_gives_its_location_and_message_and_leaves_nothing_behind() {
        assert_eq!(catch(|| 1), Ok(1));
        let nested = catch(|| catch(|| panic!("the {}", "inner one")).map(|()| 2));
        let inner = nested.expect("it was caught inside").expect_err("it panics");
        assert!(inner.starts_with(file!()) && inner.ends_with(": the inner one"), "{inner}");
        assert!(catch(|| panic!("again")).is_err_and(|error: String| error.ends_with(": again")));
        assert!(!IS_CAUGHT.get());
    }
}
