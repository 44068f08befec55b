//! Reads the declarations of a script from its syntax tree.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::slice;

use ruff_python_ast::{Expr, Operator, Stmt};
use ruff_text_size::{Ranged, TextSize};

use super::{HeaderProblem, Literal, NAMES, ScriptHeader};
use crate::syntax::{ModuleIndex, STAR, column_at, line_at, string_literal};

/// The name of the module's docstring, which a script can assign like any other.
const DOC: &str = "__doc__";

/// Built-in functions that can bind any name of the module.
const BINDING_FUNCTIONS: [&str; 6] = ["eval", "exec", "globals", "locals", "setattr", "vars"];

/// Parses a script and reads its declarations.
///
/// # Errors
/// Returns the first [`HeaderProblem`] in the text.
pub fn parse(source: &str) -> Result<ScriptHeader<'static>, HeaderProblem> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let source = &*with_line_feeds(source);
    let module = match ruff_python_parser::parse_module(source) {
        Ok(parsed) => parsed.into_syntax(),
        Err(error) => {
            let start = error.location.start();
            return Err(HeaderProblem::Syntax {
                line: line_at(source, start),
                column: column_at(source, start),
                message: error.error.to_string(),
            });
        }
    };
    let index = ModuleIndex::new(&module.body);
    let mut reader = Reader::default();
    for (number, statement) in module.body.iter().enumerate() {
        reader.read_statement(statement, index.names_bound_by(number));
    }
    reader.discard_uncertain_values(&index);
    let mut header = ScriptHeader::default();
    if let Some(Stmt::Expr(first)) = module.body.first()
        && let Some(text) = string_literal(&first.value)
    {
        header.doc = Some(text.to_owned().into());
    }
    let mut declared: Vec<_> = reader.declared.into_iter().collect();
    declared.sort_by_key(|(_, (_, offset))| *offset);
    for (name, (value, offset)) in declared {
        let Some(value) = value else {
            return Err(HeaderProblem::NotStatic {
                line: line_at(source, offset),
                reason: format!("the value of `{name}` is computed"),
            });
        };
        let has_valid_type = match (name, value) {
            (DOC, Literal::Text(text)) => {
                header.doc = Some(text.into());
                true
            }
            (DOC, Literal::None) => {
                header.doc = None;
                true
            }
            (DOC, Literal::Texts(_)) => false,
            (name, value) => header.declare(name, value),
        };
        if !has_valid_type {
            return Err(HeaderProblem::Value {
                line: line_at(source, offset),
                reason: format!("`{name}` is not a string"),
            });
        }
    }
    Ok(header)
}

/// Replaces all line ends by line feeds, as Python's tokenizer does.
fn with_line_feeds(source: &str) -> Cow<'_, str> {
    if source.contains('\r') {
        Cow::Owned(source.replace("\r\n", "\n").replace('\r', "\n"))
    } else {
        Cow::Borrowed(source)
    }
}

#[derive(Default)]
struct Reader {
    /// The literals that names are bound to.
    literals: HashMap<String, Literal>,
    /// The names bound to lists or sets, which can change in place.
    mutable: HashSet<String>,
    /// The values of the declarations, with their offsets; `None` for a computed value.
    declared: BTreeMap<&'static str, (Option<Literal>, TextSize)>,
}

impl Reader {
    /// Reads one of the module's statements, given the names that it binds.
    fn read_statement<'a>(&mut self, statement: &Stmt, bound: impl Iterator<Item = &'a str>) {
        let (targets, value) = match statement {
            Stmt::Assign(assign) if assign.targets.iter().all(Expr::is_name_expr) => {
                (assign.targets.as_slice(), &assign.value)
            }
            Stmt::AnnAssign(assign) if assign.target.is_name_expr() => match &assign.value {
                Some(value) => (slice::from_ref(&*assign.target), value),
                None => return,
            },
            other => {
                bound.for_each(|name| self.set_computed(name, other.start()));
                return;
            }
        };
        let literal = self.literal(value);
        if literal.is_none() {
            // The value may bind other names by `:=`.
            bound.for_each(|name| self.set_computed(name, value.start()));
        }
        for target in targets {
            if let Expr::Name(target) = target {
                self.set(&target.id, literal.clone(), target.start());
                if self.is_mutable(value) {
                    self.mutable.insert(target.id.to_string());
                }
            }
        }
    }

    /// Discards the values that code other than the module's own assignments may have changed.
    fn discard_uncertain_values(&mut self, index: &ModuleIndex<'_>) {
        let binds_any_name = index.name_uses().find(|(name, position)| {
            BINDING_FUNCTIONS.contains(&name.id.as_str()) && !index.is_in_function(position.scope)
        });
        if let Some((name, _)) = binds_any_name {
            self.set_computed(STAR, name.start());
        }
        for (name, offset) in index.globals() {
            self.set_computed(name, offset);
        }
        // A list can be changed through any name, so one use of one list makes all of them uncertain.
        let uses = index.name_uses().map(|(name, _)| name);
        let first_use = uses.filter(|name| self.mutable.contains(name.id.as_str()));
        if let Some(offset) = first_use.map(Ranged::start).min() {
            for name in std::mem::take(&mut self.mutable) {
                self.set_computed(&name, offset);
            }
        }
    }

    fn is_mutable(&self, value: &Expr) -> bool {
        match value {
            Expr::List(_) | Expr::Set(_) => true,
            Expr::Name(name) => self.mutable.contains(name.id.as_str()),
            _ => false,
        }
    }

    fn set_computed(&mut self, name: &str, offset: TextSize) {
        if name == STAR {
            self.literals.clear();
            self.declared
                .extend(NAMES.map(|name| (name, (None, offset))));
        } else {
            self.set(name, None, offset);
        }
    }

    /// Binds a name to a literal, or to a computed value.
    fn set(&mut self, name: &str, value: Option<Literal>, offset: TextSize) {
        if let Some(declaration) = declaration(name) {
            self.declared.insert(declaration, (value.clone(), offset));
        }
        match value {
            Some(value) => self.literals.insert(name.to_owned(), value),
            None => self.literals.remove(name),
        };
    }

    fn literal(&self, expression: &Expr) -> Option<Literal> {
        match expression {
            Expr::NoneLiteral(_) => Some(Literal::None),
            Expr::StringLiteral(string) => Some(Literal::Text(string.value.to_str().to_owned())),
            Expr::Name(name) => self.literals.get(name.id.as_str()).cloned(),
            Expr::Tuple(tuple) => self.texts(&tuple.elts),
            Expr::List(list) => self.texts(&list.elts),
            Expr::Set(set) => self.texts(&set.elts),
            Expr::BinOp(sum) if sum.op == Operator::Add => {
                let (left, right) = (self.text(&sum.left)?, self.text(&sum.right)?);
                Some(Literal::Text(left + &right))
            }
            _ => None,
        }
    }

    fn text(&self, expression: &Expr) -> Option<String> {
        match self.literal(expression)? {
            Literal::Text(text) => Some(text),
            Literal::None | Literal::Texts(_) => None,
        }
    }

    fn texts(&self, elements: &[Expr]) -> Option<Literal> {
        let texts = elements.iter().map(|element| self.text(element));
        texts.collect::<Option<Vec<_>>>().map(Literal::Texts)
    }
}

/// Returns the name if a script declares a value by it.
fn declaration(name: &str) -> Option<&'static str> {
    NAMES.into_iter().chain([DOC]).find(|known| *known == name)
}
