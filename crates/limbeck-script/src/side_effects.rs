//! Decides if a script can stay unimported: if importing it would have no effect apart from its import statements.

mod compile;

use std::collections::HashMap;
use std::num::NonZero;
use std::path::PathBuf;
use std::{fs, thread};

use ruff_python_ast::{Expr, ModModule, Operator, Parameters, PythonVersion, Stmt, UnaryOp};
use ruff_python_parser::{Mode, ParseOptions};

use crate::syntax::STAR;

/// The built-in classes that an annotation can name.
const CLASSES: [&str; 12] = [
    "bool",
    "bytes",
    "dict",
    "float",
    "frozenset",
    "int",
    "list",
    "object",
    "set",
    "str",
    "tuple",
    "type",
];

/// The generic types of `typing` and `collections.abc` that take one argument.
const GENERICS_OF_ONE: [&str; 9] = [
    "Collection",
    "FrozenSet",
    "Iterable",
    "Iterator",
    "List",
    "Optional",
    "Sequence",
    "Set",
    "Type",
];

/// The number of files from which on a second thread pays.
const FILES_FOR_THREADS: usize = 100;

/// Returns [`only_imports`] of each file, `None` for a file that can't be read: Python reports it.
pub(crate) fn imports_of_files(files: &[PathBuf]) -> Vec<Option<Vec<String>>> {
    let read = |file: &PathBuf| only_imports(&fs::read_to_string(file).ok()?);
    if files.len() < FILES_FOR_THREADS {
        return files.iter().map(read).collect();
    }
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let parts: Vec<_> = files
            .chunks(files.len().div_ceil(threads))
            .map(|part| scope.spawn(move || part.iter().map(read).collect::<Vec<_>>()))
            .collect();
        let join =
            |part: thread::ScopedJoinHandle<'_, _>| part.join().expect("no reading thread panics");
        parts.into_iter().flat_map(join).collect()
    })
}

/// Returns the imports of a script that importing it would perform, if importing it could have no other effect: its top
/// level has only imports, constants and functions, and it compiles under each supported Python. Returns `None` for any
/// other script.
///
/// An import is the path of a module, or `module:name` for a name that is imported from a module.
pub(crate) fn only_imports(source: &str) -> Option<Vec<String>> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    // Python reads an old-style line end as a line feed, and the parser does not.
    if source.contains('\r') && source.replace("\r\n", "").contains('\r') {
        return None;
    }
    let options = ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY39);
    let parsed = ruff_python_parser::parse(source, options).ok()?;
    if !parsed.unsupported_syntax_errors().is_empty() {
        return None;
    }
    let module: ModModule = parsed.into_syntax().module()?;
    let mut reader = Reader::default();
    for statement in &module.body {
        reader.read(statement)?;
    }
    Some(reader.imports)
}

#[derive(Default)]
struct Reader<'a> {
    imports: Vec<String>,
    /// The names that the statements have bound so far: the paths of imports, `None` for another value.
    names: HashMap<&'a str, Option<String>>,
    /// `true` after a statement that `from __future__` must not follow.
    has_begun: bool,
}

impl<'a> Reader<'a> {
    /// Reads a statement of the top level. Returns `None` if it could have an effect or fail.
    fn read(&mut self, statement: &'a Stmt) -> Option<()> {
        match statement {
            Stmt::Expr(text) if text.value.is_string_literal_expr() => return Some(()),
            Stmt::ImportFrom(import) if import.module.as_deref() == Some("__future__") => {
                let is_valid = |name: &str| name == "annotations";
                let all_valid = import.names.iter().all(|name| is_valid(&name.name));
                return (!self.has_begun && import.level == 0 && all_valid).then_some(());
            }
            _ => self.has_begun = true,
        }
        match statement {
            Stmt::Pass(_) => Some(()),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let path = alias.name.as_str();
                    let first = path.split('.').next().unwrap_or(path);
                    let (name, bound) = match &alias.asname {
                        Some(name) => (name.as_str(), path),
                        None => (first, first),
                    };
                    self.names.insert(name, Some(bound.to_owned()));
                    self.needs(path.to_owned());
                }
                Some(())
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_deref().filter(|_| import.level == 0)?;
                for alias in &import.names {
                    if alias.name.as_str() == STAR {
                        return None;
                    }
                    let name = alias.asname.as_ref().unwrap_or(&alias.name);
                    let path = format!("{module}.{}", alias.name);
                    self.names.insert(name.as_str(), Some(path));
                    self.needs(format!("{module}:{}", alias.name));
                }
                Some(())
            }
            Stmt::Assign(assign) => {
                self.check_constant(&assign.value)?;
                assign
                    .targets
                    .iter()
                    .try_for_each(|target| self.bind(target))
            }
            Stmt::AnnAssign(assign) => {
                self.check_annotation(&assign.annotation)?;
                match &assign.value {
                    Some(value) => {
                        self.check_constant(value)?;
                        self.bind(&assign.target)
                    }
                    None => assign.target.is_name_expr().then_some(()),
                }
            }
            Stmt::FunctionDef(function) => {
                if !function.decorator_list.is_empty() {
                    return None;
                }
                self.check_parameters(&function.parameters)?;
                if let Some(returned) = &function.returns {
                    self.check_annotation(returned)?;
                }
                compile::check_function(function)?;
                self.names.insert(function.name.as_str(), None);
                Some(())
            }
            _ => None,
        }
    }

    fn needs(&mut self, import: String) {
        if !self.imports.contains(&import) {
            self.imports.push(import);
        }
    }

    fn bind(&mut self, target: &'a Expr) -> Option<()> {
        let name = target.as_name_expr()?;
        // CPython refuses to compile an assignment to `__debug__`.
        (name.id.as_str() != "__debug__").then_some(())?;
        self.names.insert(name.id.as_str(), None);
        Some(())
    }

    fn check_parameters(&mut self, parameters: &Parameters) -> Option<()> {
        for parameter in parameters {
            if let Some(default) = parameter.default() {
                self.check_constant(default)?;
            }
            if let Some(annotation) = parameter.annotation() {
                self.check_annotation(annotation)?;
            }
        }
        Some(())
    }

    /// Checks that evaluating an expression has no effect and can't fail.
    fn check_constant(&self, expression: &Expr) -> Option<()> {
        match expression {
            Expr::Name(name) => self.names.contains_key(name.id.as_str()).then_some(()),
            Expr::Tuple(tuple) => self.check_all(&tuple.elts),
            Expr::List(list) => self.check_all(&list.elts),
            Expr::Set(set) => set.elts.iter().all(is_scalar).then_some(()),
            Expr::Dict(dict) => dict.items.iter().try_for_each(|item| {
                item.key.as_ref().filter(|key| is_scalar(key))?;
                self.check_constant(&item.value)
            }),
            Expr::BinOp(sum) => is_text(expression).then_some(sum).map(drop),
            Expr::UnaryOp(minus) => {
                let is_number = minus.operand.is_number_literal_expr();
                (minus.op == UnaryOp::USub && is_number).then_some(())
            }
            other => is_scalar(other).then_some(()),
        }
    }

    fn check_all(&self, elements: &[Expr]) -> Option<()> {
        elements
            .iter()
            .try_for_each(|element| self.check_constant(element))
    }

    /// Checks that evaluating an annotation has no effect and can't fail.
    fn check_annotation(&mut self, annotation: &Expr) -> Option<()> {
        match annotation {
            Expr::NoneLiteral(_) | Expr::StringLiteral(_) => Some(()),
            other => self.check_type(other),
        }
    }

    /// Checks an annotation other than `None` and a string.
    fn check_type(&mut self, annotation: &Expr) -> Option<()> {
        match annotation {
            Expr::Name(name) => match self.names.get(name.id.as_str()) {
                None => CLASSES.contains(&name.id.as_str()).then_some(()),
                // Its value, and not only its name, is used in a union or as an argument.
                Some(Some(path)) if typing_name(path) == Some("Any") => Some(()),
                Some(path) => {
                    let name = typing_name(path.as_deref()?)?;
                    GENERICS_OF_ONE.contains(&name).then_some(())?;
                    (name != "Optional").then_some(())
                }
            },
            Expr::Subscript(generic) => {
                let arguments = match &*generic.slice {
                    Expr::Tuple(tuple) => tuple.elts.as_slice(),
                    one => std::slice::from_ref(one),
                };
                let count = arguments.len();
                let is_valid = match generic.value.as_name_expr()?.id.as_str() {
                    name if self.names.contains_key(name) => {
                        let name = typing_name(self.names.get(name)?.as_deref()?)?;
                        match name {
                            "Union" | "Tuple" => count > 0,
                            "Dict" | "Mapping" => count == 2,
                            name => count == 1 && GENERICS_OF_ONE.contains(&name),
                        }
                    }
                    "list" | "set" | "frozenset" => count == 1,
                    "dict" => count == 2,
                    "tuple" => count > 0,
                    _ => false,
                };
                is_valid.then_some(())?;
                arguments
                    .iter()
                    .try_for_each(|argument| self.check_annotation(argument))
            }
            Expr::BinOp(union) if union.op == Operator::BitOr => {
                // Python 3.9 has no such unions, and no such name either.
                self.needs("types:UnionType".to_owned());
                self.check_type(&union.left)?;
                match &*union.right {
                    Expr::NoneLiteral(_) => Some(()),
                    right => self.check_type(right),
                }
            }
            _ => None,
        }
    }
}

/// Returns the name of an object of `typing` or `collections.abc`, by its path.
fn typing_name(path: &str) -> Option<&str> {
    let of_typing = path.strip_prefix("typing.");
    of_typing.or_else(|| path.strip_prefix("collections.abc."))
}

/// Returns `true` for a literal that can be in a set.
fn is_scalar(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::NoneLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::EllipsisLiteral(_)
    )
}

/// Returns `true` for a string literal, or a sum of them.
fn is_text(expression: &Expr) -> bool {
    match expression {
        Expr::StringLiteral(_) => true,
        Expr::BinOp(sum) => sum.op == Operator::Add && is_text(&sum.left) && is_text(&sum.right),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
