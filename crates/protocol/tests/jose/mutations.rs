//! Test data from outside that may lie beside the checkout: Wycheproof and the JOSE cookbook.

#[test]
fn placeholder() {}
