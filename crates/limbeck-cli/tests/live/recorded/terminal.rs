//! Wrapping of output if standard input is a terminal.

use crate::replay::{On, Scenario, branching, replays, step};

const TERMINAL: Scenario = Scenario {
    project: branching,
    on: On::Sqlite,
    steps: &[
        step("240_tty_init", "heads").in_terminal(80),
        step("", "heads").in_terminal(12),
        step("", "show head").in_terminal(80),
        step("250_tty_wrapping", "show zzzzzz").in_terminal(80),
        step(
            "250_tty_wrapping",
            "revision -m 'tty tty' --head f1f1 --rev-id ttytty",
        )
        .in_terminal(60),
        step("", "revision -m 'tty tty' --head f2f2 --rev-id ttyttz").in_terminal(24),
        step("", "show head").in_terminal(33),
    ],
};

replays! {
    wrapping: TERMINAL;
}
