//! Whether a script says how its step is undone.

use ruff_python_ast::{Expr, Stmt, StmtFunctionDef};

/// What a script's `downgrade` does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Downgrade {
    /// Something; or nothing, where `upgrade` does nothing either.
    There,
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
pub fn downgrade(source: &str) -> Downgrade {
    let Ok(module) = ruff_python_parser::parse_module(source) else {
        return Downgrade::Unknown;
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
                Downgrade::There
            } else {
                Downgrade::Empty
            }
        }
        (_, Some(downgrade)) => {
            let first = downgrade
                .body
                .iter()
                .find(|statement| !is_nothing(statement));
            match first {
                Some(Stmt::Raise(_)) => Downgrade::Raises,
                _ => Downgrade::There,
            }
        }
        (Some(upgrade), None) if does_nothing(upgrade) => Downgrade::There,
        (Some(_), None) => Downgrade::Missing,
        (None, None) => Downgrade::Unknown,
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
    use super::{Downgrade, downgrade};

    #[test]
    fn what_a_downgrade_does() {
        for (body, expected) in [
            (
                "def upgrade():\n    f()\ndef downgrade():\n    g()\n",
                Downgrade::There,
            ),
            (
                "def upgrade():\n    f()\ndef downgrade():\n    pass\n",
                Downgrade::Empty,
            ),
            (
                "def upgrade():\n    f()\ndef downgrade() -> None:\n    \"\"\"No.\"\"\"\n    ...\n",
                Downgrade::Empty,
            ),
            (
                "def upgrade():\n    f()\ndef downgrade():\n    return\n",
                Downgrade::Empty,
            ),
            (
                "def upgrade():\n    f()\ndef downgrade():\n    'No.'\n    raise NotImplementedError\n",
                Downgrade::Raises,
            ),
            (
                "def upgrade():\n    pass\ndef downgrade():\n    pass\n",
                Downgrade::There,
            ),
            ("def upgrade():\n    f()\n", Downgrade::Missing),
            ("def upgrade():\n    pass\n", Downgrade::There),
            ("from other import upgrade, downgrade\n", Downgrade::Unknown),
            ("def upgrade(:\n", Downgrade::Unknown),
            (
                "def upgrade():\n    f()\ndef downgrade():\n    pass\ndef downgrade():\n    g()\n",
                Downgrade::There,
            ),
        ] {
            assert_eq!(downgrade(body), expected, "{body}");
        }
    }
}
