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
    /// The source location of the panic that is being caught.
    static LOCATION: RefCell<Option<String>> = const { RefCell::new(None) };
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
    done.map_err(|payload| {
        let location = LOCATION.take().unwrap_or_else(|| "an unknown location".to_owned());
        format!("{location}: {}", message(&*payload))
    })
}

/// Installs a panic hook, once. Only a hook learns the location of a panic. Panics outside [`catch`] go to the hook
/// that was installed before.
fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let former = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_CAUGHT.get() {
                LOCATION.set(info.location().map(ToString::to_string));
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
