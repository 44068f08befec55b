//! Reads the declarations of any script that states them, by way of its syntax tree.

use std::collections::HashMap;

use ruff_python_ast::visitor::{Visitor, walk_expr, walk_stmt};
use ruff_python_ast::{Expr, ExprContext, Operator, Stmt};
use ruff_text_size::{Ranged, TextSize};

use super::{HeaderProblem, Literal, NAMES, ScriptHeader};

/// Reads the declarations.
///
/// # Errors
/// [`HeaderProblem`] with the place.
pub fn parse(source: &str) -> Result<ScriptHeader, HeaderProblem> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let place = |offset: TextSize| {
        let before = &source[..offset.to_usize().min(source.len())];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        (
            before.matches('\n').count() + 1,
            before[line_start..].chars().count() + 1,
        )
    };
    let module = match ruff_python_parser::parse_module(source) {
        Ok(parsed) => parsed.into_syntax(),
        Err(error) => {
            let (line, column) = place(error.location.start());
            return Err(HeaderProblem::Syntax {
                line,
                column,
                message: error.error.to_string(),
            });
        }
    };
    let mut reader = Reader::default();
    if let Some(Stmt::Expr(first)) = module.body.first()
        && let Expr::StringLiteral(text) = &*first.value
    {
        // Python's parser has turned every line end of the source into `\n`.
        reader.header.doc = Some(text.value.to_str().replace("\r\n", "\n"));
    }
    for statement in &module.body {
        reader.statement(statement);
    }
    for (name, value) in reader.declared {
        let line = |offset| place(offset).0;
        match value {
            Declared::Value(value, offset) => {
                if !reader.header.declare(name, value) {
                    let reason = format!("`{name}` is not a string");
                    return Err(HeaderProblem::Value {
                        line: line(offset),
                        reason,
                    });
                }
            }
            Declared::Unknown(offset) => {
                let reason = format!("the value of `{name}` is computed");
                return Err(HeaderProblem::NotStatic {
                    line: line(offset),
                    reason,
                });
            }
        }
    }
    Ok(reader.header)
}

/// What is known of one of the names.
enum Declared {
    Value(Literal, TextSize),
    Unknown(TextSize),
}

#[derive(Default)]
struct Reader {
    header: ScriptHeader,
    /// Names that are bound to literals.
    literals: HashMap<String, Literal>,
    declared: HashMap<&'static str, Declared>,
}

impl Reader {
    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Assign(assign) if assign.targets.iter().all(Expr::is_name_expr) => {
                let value = self.literal(&assign.value);
                for target in &assign.targets {
                    self.bind(target, value.clone());
                }
                self.inside(&assign.value);
            }
            Stmt::AnnAssign(assign) if assign.target.is_name_expr() => {
                if let Some(value) = &assign.value {
                    let literal = self.literal(value);
                    self.bind(&assign.target, literal);
                    self.inside(value);
                }
            }
            // A function's names are its own, unless it declares them global and is called: a header
            // that is written so is beyond what anybody does.
            Stmt::FunctionDef(function) => self.unknown(function.name.as_str(), statement),
            Stmt::ClassDef(class) => self.unknown(class.name.as_str(), statement),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let bound = alias
                        .asname
                        .as_ref()
                        .map_or(alias.name.as_str(), |name| name.as_str());
                    self.unknown(bound.split('.').next().unwrap_or(bound), statement);
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    if alias.name.as_str() == "*" {
                        for name in NAMES {
                            self.unknown(name, statement);
                        }
                        self.literals.clear();
                    }
                    let bound = alias
                        .asname
                        .as_ref()
                        .map_or(alias.name.as_str(), |name| name.as_str());
                    self.unknown(bound, statement);
                }
            }
            other => {
                let mut stored = Stored::default();
                stored.visit_stmt(other);
                for name in stored.names {
                    self.unknown(&name, other);
                }
            }
        }
    }

    /// Names bound inside an expression (`:=`).
    fn inside(&mut self, expression: &Expr) {
        let mut stored = Stored::default();
        stored.visit_expr(expression);
        for name in stored.names {
            self.unknown(&name, expression);
        }
    }

    fn bind(&mut self, target: &Expr, value: Option<Literal>) {
        let Expr::Name(target) = target else {
            return;
        };
        match value {
            Some(value) => {
                if let Some(name) = NAMES.into_iter().find(|name| *name == target.id.as_str()) {
                    self.declared
                        .insert(name, Declared::Value(value.clone(), target.range.start()));
                }
                self.literals.insert(target.id.to_string(), value);
            }
            None => self.unknown(target.id.as_str(), target),
        }
    }

    fn unknown(&mut self, name: &str, at: &impl Ranged) {
        self.literals.remove(name);
        if let Some(name) = NAMES.into_iter().find(|known| *known == name) {
            self.declared
                .insert(name, Declared::Unknown(at.range().start()));
        }
    }

    fn literal(&self, expression: &Expr) -> Option<Literal> {
        let text = |literal: Option<Literal>| match literal {
            Some(Literal::Text(text)) => Some(text),
            _ => None,
        };
        match expression {
            Expr::NoneLiteral(_) => Some(Literal::None),
            Expr::StringLiteral(string) => Some(Literal::Text(string.value.to_string())),
            Expr::Name(name) => self.literals.get(name.id.as_str()).cloned(),
            Expr::Tuple(tuple) => self.texts(&tuple.elts),
            Expr::List(list) => self.texts(&list.elts),
            Expr::Set(set) => self.texts(&set.elts),
            Expr::BinOp(sum) if sum.op == Operator::Add => {
                let (left, right) = (
                    text(self.literal(&sum.left))?,
                    text(self.literal(&sum.right))?,
                );
                Some(Literal::Text(left + &right))
            }
            _ => None,
        }
    }

    fn texts(&self, elements: &[Expr]) -> Option<Literal> {
        let texts = elements.iter().map(|element| match self.literal(element) {
            Some(Literal::Text(text)) => Some(text),
            _ => None,
        });
        texts.collect::<Option<Vec<_>>>().map(Literal::Texts)
    }
}

/// Collects the names that a statement binds, wherever in it.
#[derive(Default)]
struct Stored {
    names: Vec<String>,
}

impl<'a> Visitor<'a> for Stored {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.names.push(function.name.to_string()),
            Stmt::ClassDef(class) => self.names.push(class.name.to_string()),
            Stmt::Import(import) => {
                self.names.extend(
                    import
                        .names
                        .iter()
                        .map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).to_string()),
                );
            }
            Stmt::ImportFrom(import) => {
                self.names.extend(
                    import
                        .names
                        .iter()
                        .map(|alias| alias.asname.as_ref().unwrap_or(&alias.name).to_string()),
                );
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Name(name) = expression
            && matches!(name.ctx, ExprContext::Store | ExprContext::Del)
        {
            self.names.push(name.id.to_string());
        }
        walk_expr(self, expression);
    }
}
