//! What the fuzz targets check, one function for each target. The test suites of the crates run the same functions over
//! mutated vectors, so that they are exercised without nightly.

pub mod jose;
