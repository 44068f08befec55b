//! Values of a strategy, outside of `proptest!`.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

/// Returns the first values of a strategy, the same in each run.
#[allow(dead_code, reason = "some test binaries don't use it")]
pub(crate) fn some<T: std::fmt::Debug>(strategy: impl Strategy<Value = T>, count: usize) -> Vec<T> {
    let mut runner = TestRunner::deterministic();
    let next = |_| strategy.new_tree(&mut runner).expect("a value").current();
    (0..count).map(next).collect()
}
