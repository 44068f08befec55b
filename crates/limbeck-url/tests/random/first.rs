//! Values of a strategy without a runner of tests around them.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// The first ones of a strategy, the same in each run.
#[allow(dead_code, reason = "not every test counts them itself")]
pub(crate) fn some<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    let next = |_| strategy.new_tree(&mut runner).expect("a value").current();
    (0..count).map(next).collect()
}
