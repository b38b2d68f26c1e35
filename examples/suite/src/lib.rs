//! A crate that provisions clusters would be here; its scenarios are tests.
