//! Panics while a scenario is carried out: a bug of dsql-sim itself, which has a seed and a scenario all the same.
//!
//! A world is a value, and shares nothing with any other. So what a panic leaves half done is dropped with its world,
//! and the next seed is as good as ever.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether a panic of this thread is caught.
    static IS_CAUGHT: Cell<bool> = const { Cell::new(false) };
    /// Where the panic that is being caught happened.
    static WHERE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Does `work`.
///
/// # Errors
/// It panics: where, and in what words.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    learn_places();
    let is_caught_already = IS_CAUGHT.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_CAUGHT.set(is_caught_already);
    done.map_err(|payload| {
        let place = WHERE.take().unwrap_or_else(|| "an unknown place".to_owned());
        format!("{place}: {}", words(&*payload))
    })
}

/// Only the hook learns where a panic happened. What is not caught goes to the hook that was there before.
fn learn_places() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let others = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if IS_CAUGHT.get() {
                WHERE.set(info.location().map(ToString::to_string));
            } else {
                others(info);
            }
        }));
    });
}

fn words(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without words")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_with_its_place_and_words_and_leaves_nothing_behind() {
        assert_eq!(catch(|| 1), Ok(1));
        let nested = catch(|| catch(|| panic!("the {}", "inner one")).map(|()| 2));
        let inner = nested.expect("it was caught inside").expect_err("it panics");
        assert!(inner.starts_with(file!()) && inner.ends_with(": the inner one"), "{inner}");
        assert!(catch(|| panic!("again")).is_err_and(|words: String| words.ends_with(": again")));
        assert!(!IS_CAUGHT.get());
    }
}
