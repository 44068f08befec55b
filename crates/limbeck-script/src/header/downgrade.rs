//! Checks whether a script implements its downgrade.

use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};

/// The state of a script's `downgrade` function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DowngradeStatus {
    /// The function does something, or `upgrade` does nothing that it would have to undo.
    Implemented,
    /// The function does nothing, although `upgrade` does something.
    Empty,
    /// The function only raises an exception.
    Raises,
    /// The script has no such function.
    Missing,
    /// The script is not valid Python, or doesn't define the functions itself.
    Unknown,
}

/// Returns the state of a script's `downgrade`, given the script's text.
pub fn downgrade_status(source: &str) -> DowngradeStatus {
    let Ok(module) = ruff_python_parser::parse_module(source) else {
        return DowngradeStatus::Unknown;
    };
    let body = &module.syntax().body;
    let function = |name: &str| -> Option<&StmtFunctionDef> {
        let functions = body.iter().filter_map(|statement| match statement {
            Stmt::FunctionDef(function) => Some(function),
            _ => None,
        });
        functions
            .rev()
            .find(|function| function.name.as_str() == name)
    };
    let does_nothing = |function: &StmtFunctionDef| function.body.iter().all(is_nothing);
    match (function("upgrade"), function("downgrade")) {
        (Some(upgrade), Some(downgrade)) if does_nothing(downgrade) => {
            if does_nothing(upgrade) {
                DowngradeStatus::Implemented
            } else {
                DowngradeStatus::Empty
            }
        }
        (_, Some(downgrade)) => {
            let first = downgrade
                .body
                .iter()
                .find(|statement| !is_nothing(statement));
            match first {
                Some(Stmt::Raise(_)) => DowngradeStatus::Raises,
                _ => DowngradeStatus::Implemented,
            }
        }
        (Some(upgrade), None) if does_nothing(upgrade) => DowngradeStatus::Implemented,
        (Some(_), None) => DowngradeStatus::Missing,
        (None, None) => DowngradeStatus::Unknown,
    }
}

fn is_nothing(statement: &Stmt) -> bool {
    match statement {
        Stmt::Pass(_) => true,
        Stmt::Expr(expression) => matches!(
            &*expression.value,
            Expr::StringLiteral(_) | Expr::EllipsisLiteral(_)
        ),
        Stmt::Return(returned) => returned.value.is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{DowngradeStatus, downgrade_status};

    #[test]
    fn classifies_downgrades() {
        for (body, expected) in [
            (
                "def upgrade():\n    f()\ndef downgrade():\n    g()\n",
                DowngradeStatus::Implemented,
            ),
            (
                "def upgrade():\n    f()\ndef downgrade():\n    pass\n",
                DowngradeStatus::Empty,
            ),
            (
                "def upgrade():\n    f()\ndef downgrade() -> None:\n    \"\"\"No.\"\"\"\n    ...\n",
                DowngradeStatus::Empty,
            ),
            (
                "def upgrade():\n    f()\ndef downgrade():\n    return\n",
                DowngradeStatus::Empty,
            ),
            (
                "def upgrade():\n    f()\ndef downgrade():\n    'No.'\n    raise NotImplementedError\n",
                DowngradeStatus::Raises,
            ),
            (
                "def upgrade():\n    pass\ndef downgrade():\n    pass\n",
                DowngradeStatus::Implemented,
            ),
            ("def upgrade():\n    f()\n", DowngradeStatus::Missing),
            ("def upgrade():\n    pass\n", DowngradeStatus::Implemented),
            (
                "from other import upgrade, downgrade\n",
                DowngradeStatus::Unknown,
            ),
            ("def upgrade(:\n", DowngradeStatus::Unknown),
            (
                "def upgrade():\n    f()\ndef downgrade():\n    pass\ndef downgrade():\n    g()\n",
                DowngradeStatus::Implemented,
            ),
        ] {
            assert_eq!(downgrade_status(body), expected, "{body}");
        }
    }
}
