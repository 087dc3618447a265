//! What the fuzz targets check, one function for each target. The test suites of the crates run the same functions over
//! mutated vectors and seeds, so that they are exercised without nightly.

pub mod jose;
pub mod messages;
pub mod mutate;
pub mod rules;
