//! The modules behind the public surface, for the tests, fuzz targets and programs of this project alone.
//!
//! Nothing here is kept from one release to the next.

/// Makes the public items of private modules reachable.
macro_rules! internals {
    ($($(#[$condition:meta])? $module:ident)+) => {$(
        $(#[$condition])?
        pub mod $module {
            pub use crate::$module::*;
        }
    )+};
}

internals! {
    #[cfg(feature = "cli")] cli
    control
    coverage_mark
    explain
    fidelity
    generate
    iam
    index
    map
    #[cfg(feature = "model-check")] model
    page
    permissions
    region
    rng
    scenario
    shrink
    sim
    #[cfg(feature = "suite")] suite
    sweep
    table
    types
}
