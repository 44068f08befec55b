//! Whether a script says how its step is undone.

use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};

/// What a script's `downgrade` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DowngradeStatus {
    /// Something; or nothing, where `upgrade` does nothing either.
    Implemented,
    /// Nothing, though `upgrade` does something.
    Empty,
    /// It only raises.
    Raises,
    /// There is no such function.
    Missing,
    /// The script can't be read.
    Unknown,
}

/// Looks at the functions of a script.
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
    // A name may come from elsewhere, as by an import.
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
    fn what_a_downgrade_does() {
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
