//! Reads the declarations of any script that states them, by way of its syntax tree.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use ruff_python_ast::{Expr, Operator, Stmt};
use ruff_text_size::{Ranged, TextSize};

use super::bindings::{self, EVERYTHING, Uses};
use super::{HeaderProblem, Literal, NAMES, ScriptHeader};

/// The module's docstring is a name like the others.
const DOC: &str = "__doc__";

/// Reads the declarations.
///
/// # Errors
/// [`HeaderProblem`] with the place.
pub fn parse(source: &str) -> Result<ScriptHeader<'static>, HeaderProblem> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let source = &*with_line_feeds(source);
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
        reader.header.doc = Some(text.value.to_str().to_owned().into());
    }
    for statement in &module.body {
        reader.statement(statement);
    }
    reader.doubt(&Uses::of(&module.body));
    for (name, value) in reader.declared {
        let line = |offset| place(offset).0;
        match value {
            Declared::Value(Literal::Text(text), _) if name == DOC => {
                reader.header.doc = Some(text.into());
            }
            Declared::Value(Literal::None, _) if name == DOC => reader.header.doc = None,
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

/// The source with the line ends that Python's tokenizer sees.
fn with_line_feeds(source: &str) -> Cow<'_, str> {
    if source.contains('\r') {
        Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(source)
    }
}

/// What is known of one of the names.
enum Declared {
    Value(Literal, TextSize),
    Unknown(TextSize),
}

#[derive(Default)]
struct Reader {
    header: ScriptHeader<'static>,
    /// Names that are bound to literals.
    literals: HashMap<String, Literal>,
    /// Names that are bound to lists or sets, which can change in place.
    mutable: HashSet<String>,
    declared: HashMap<&'static str, Declared>,
}

impl Reader {
    fn statement(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Assign(assign) if assign.targets.iter().all(Expr::is_name_expr) => {
                let value = self.literal(&assign.value);
                for target in &assign.targets {
                    self.note_mutable(target, &assign.value);
                    self.bind(target, value.clone());
                }
                self.inside(&assign.value);
            }
            Stmt::AnnAssign(assign) if assign.target.is_name_expr() => {
                if let Some(value) = &assign.value {
                    let literal = self.literal(value);
                    self.note_mutable(&assign.target, value);
                    self.bind(&assign.target, literal);
                    self.inside(value);
                }
            }
            other => {
                for name in bindings::of_statement(other) {
                    self.unknown(&name, other.start());
                }
            }
        }
    }

    /// What other code than the module's own assignments may have changed is not known.
    fn doubt(&mut self, uses: &Uses) {
        if let Some(at) = uses.binder {
            self.unknown(EVERYTHING, at);
        }
        for (name, at) in &uses.globals {
            self.unknown(name, *at);
        }
        let used = self.mutable.iter().filter_map(|name| uses.loads.get(name));
        if let Some(&at) = used.min() {
            for name in self.mutable.clone() {
                self.unknown(&name, at);
            }
        }
    }

    /// Names bound inside an expression (`:=`).
    fn inside(&mut self, expression: &Expr) {
        for name in bindings::of_expression(expression) {
            self.unknown(&name, expression.start());
        }
    }

    fn bind(&mut self, target: &Expr, value: Option<Literal>) {
        let Expr::Name(target) = target else {
            return;
        };
        match value {
            Some(value) => {
                if let Some(name) = known(&target.id) {
                    self.declared
                        .insert(name, Declared::Value(value.clone(), target.range.start()));
                }
                self.literals.insert(target.id.to_string(), value);
            }
            None => self.unknown(target.id.as_str(), target.start()),
        }
    }

    fn note_mutable(&mut self, target: &Expr, value: &Expr) {
        let mutable = match value {
            Expr::List(_) | Expr::Set(_) => true,
            Expr::Name(name) => self.mutable.contains(name.id.as_str()),
            _ => false,
        };
        if let (true, Expr::Name(target)) = (mutable, target) {
            self.mutable.insert(target.id.to_string());
        }
    }

    fn unknown(&mut self, name: &str, at: TextSize) {
        if name == EVERYTHING {
            self.literals.clear();
            self.declared
                .extend(NAMES.map(|name| (name, Declared::Unknown(at))));
            return;
        }
        self.literals.remove(name);
        if let Some(name) = known(name) {
            self.declared.insert(name, Declared::Unknown(at));
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

/// One of the names that a script declares.
fn known(name: &str) -> Option<&'static str> {
    NAMES.into_iter().chain([DOC]).find(|known| *known == name)
}
