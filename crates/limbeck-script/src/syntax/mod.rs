//! An index of a Python module: its scopes, names and expressions, collected in one pass over the syntax tree.
//!
//! The readers of revision headers and of `env.py` work on this index.

mod lines;

use std::collections::HashMap;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{
    ExceptHandler, Expr, ExprCall, ExprContext, ExprName, Parameters, Pattern, Stmt,
};
use ruff_text_size::{Ranged, TextSize};

pub(crate) use lines::{column_at, line_at};

/// The number of the module's own scope.
pub(crate) const MODULE: usize = 0;

/// The name that the index records for `from … import *`.
pub(crate) const STAR: &str = "*";

/// The meaning that one statement gives to a name.
#[derive(Debug, Clone)]
pub(crate) enum Binding<'a> {
    /// A module or a member of a module, by its dotted path.
    Import(String),
    /// The value of an assignment.
    Value(&'a Expr),
    /// A function, by the number of its scope.
    Function(usize),
    /// A parameter, a loop variable, a class, a deleted name, or anything else.
    Other,
}

/// The position of an expression in its module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CodePosition {
    /// The number of the scope that contains the expression.
    pub(crate) scope: usize,
    /// The index of the module's statement that contains the expression.
    pub(crate) statement: usize,
    /// `true` if the expression runs each time that its scope does: no condition, loop, `try` or `with` is around it.
    pub(crate) is_unconditional: bool,
}

impl CodePosition {
    /// Returns `true` if code at this position runs after code at `other`, a position in the module's own scope.
    /// A function counts as called after the whole module has run.
    pub(crate) fn is_after(self, other: Self) -> bool {
        self.scope != MODULE || self.statement > other.statement
    }
}

/// An assignment `name["key"] = value`.
#[derive(Debug)]
pub(crate) struct ItemAssignment<'a> {
    pub(crate) name: &'a str,
    pub(crate) key: &'a str,
    pub(crate) value: &'a Expr,
    pub(crate) position: CodePosition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScopeKind {
    Module,
    Class,
    Function,
    Lambda,
}

/// The names of a module, class, function or lambda.
#[derive(Debug)]
struct Scope<'a> {
    kind: ScopeKind,
    parent: Option<usize>,
    names: HashMap<&'a str, Vec<Binding<'a>>>,
    /// The names in `global` statements, with the offset of the last such statement.
    globals: HashMap<&'a str, TextSize>,
    /// The values of the `return` statements.
    returns: Vec<&'a Expr>,
}

impl Scope<'_> {
    fn new(kind: ScopeKind, parent: Option<usize>) -> Self {
        Self {
            kind,
            parent,
            names: HashMap::new(),
            globals: HashMap::new(),
            returns: Vec::new(),
        }
    }
}

/// The scopes, names and expressions of a module.
#[derive(Debug)]
pub(crate) struct ModuleIndex<'a> {
    scopes: Vec<Scope<'a>>,
    /// The names bound in the module's own scope, each with the index of the module's statement that binds it.
    bound_in_module: Vec<(usize, &'a str)>,
    /// The calls, subscripts, f-strings and uses of names, an outer expression before its parts.
    pub(crate) expressions: Vec<(&'a Expr, CodePosition)>,
    /// The assignments to an item with a literal key.
    pub(crate) item_assignments: Vec<ItemAssignment<'a>>,
}

impl<'a> ModuleIndex<'a> {
    /// Indexes the statements of a module.
    pub(crate) fn new(module: &'a [Stmt]) -> Self {
        let mut indexer = Indexer {
            index: Self {
                scopes: vec![Scope::new(ScopeKind::Module, None)],
                bound_in_module: Vec::new(),
                expressions: Vec::new(),
                item_assignments: Vec::new(),
            },
            scope: MODULE,
            statement: 0,
            nesting: 0,
        };
        for (number, statement) in module.iter().enumerate() {
            indexer.statement = number;
            indexer.visit_stmt(statement);
        }
        indexer.index
    }

    /// Returns the bindings of a name that is used in `scope`, and the scope that they belong to.
    pub(crate) fn bindings(&self, name: &str, scope: usize) -> (&[Binding<'a>], usize) {
        let mut next = Some(scope);
        while let Some(number) = next {
            let candidate = &self.scopes[number];
            // Functions in a class body don't see the names of the class.
            let is_visible = candidate.kind != ScopeKind::Class || number == scope;
            if is_visible && let Some(bindings) = candidate.names.get(name) {
                return (bindings, number);
            }
            next = candidate.parent;
        }
        (&[], MODULE)
    }

    /// Returns the names that one of the module's statements binds in the module's own scope.
    pub(crate) fn names_bound_by(&self, statement: usize) -> impl Iterator<Item = &'a str> {
        let start = self
            .bound_in_module
            .partition_point(|(number, _)| *number < statement);
        self.bound_in_module[start..]
            .iter()
            .take_while(move |(number, _)| *number == statement)
            .map(|(_, name)| *name)
    }

    /// Returns the paths of all imports, in any scope.
    pub(crate) fn imported_paths(&self) -> impl Iterator<Item = &str> {
        let bindings = self.scopes.iter().flat_map(|scope| scope.names.values());
        bindings.flatten().filter_map(|binding| match binding {
            Binding::Import(path) => Some(path.as_str()),
            _ => None,
        })
    }

    /// Returns the names in `global` statements, with the offsets of the statements.
    pub(crate) fn globals(&self) -> impl Iterator<Item = (&'a str, TextSize)> {
        let globals = self.scopes.iter().flat_map(|scope| &scope.globals);
        globals.map(|(name, offset)| (*name, *offset))
    }

    /// Returns the calls, an outer one before the calls in its arguments.
    pub(crate) fn calls(&self) -> impl Iterator<Item = (&'a ExprCall, CodePosition)> {
        let expressions = self.expressions.iter();
        expressions.filter_map(|(expression, position)| match *expression {
            Expr::Call(call) => Some((call, *position)),
            _ => None,
        })
    }

    /// Returns the places where the value of a name is used.
    pub(crate) fn name_uses(&self) -> impl Iterator<Item = (&'a ExprName, CodePosition)> {
        let expressions = self.expressions.iter();
        expressions.filter_map(|(expression, position)| match *expression {
            Expr::Name(name) => Some((name, *position)),
            _ => None,
        })
    }

    /// Returns the values that a function returns, given its scope.
    pub(crate) fn returned_values(&self, scope: usize) -> &[&'a Expr] {
        &self.scopes[scope].returns
    }

    /// Returns `true` if a scope is, or lies in, the body of a function. A lambda doesn't count.
    pub(crate) fn is_in_function(&self, scope: usize) -> bool {
        let mut next = Some(scope);
        while let Some(number) = next {
            if self.scopes[number].kind == ScopeKind::Function {
                return true;
            }
            next = self.scopes[number].parent;
        }
        false
    }
}

/// A name bound by an import statement.
pub(crate) struct ImportedName<'a> {
    pub(crate) name: &'a str,
    /// The dotted path of the object that the name refers to: `a` for `import a.b`. That of a relative import begins
    /// with its dots.
    pub(crate) path: String,
}

/// Returns the names that an import statement binds; none for any other statement.
pub(crate) fn imported_names(statement: &Stmt) -> Vec<ImportedName<'_>> {
    match statement {
        Stmt::Import(import) => {
            let names = import.names.iter().map(|alias| {
                let path = alias.name.as_str();
                let first = path.split('.').next().unwrap_or(path);
                let (name, path) = alias
                    .asname
                    .as_ref()
                    .map_or((first, first), |name| (name.as_str(), path));
                let path = path.to_owned();
                ImportedName { name, path }
            });
            names.collect()
        }
        Stmt::ImportFrom(import) => {
            let module = import.module.as_ref().map_or("", |module| module.as_str());
            let dots = ".".repeat(import.level as usize);
            let names = import.names.iter().map(|alias| ImportedName {
                name: alias.asname.as_ref().unwrap_or(&alias.name).as_str(),
                path: format!("{dots}{module}.{}", alias.name),
            });
            names.collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the value of a string literal.
pub(crate) fn string_literal(expression: &Expr) -> Option<&str> {
    match expression {
        Expr::StringLiteral(text) => Some(text.value.to_str()),
        _ => None,
    }
}

struct Indexer<'a> {
    index: ModuleIndex<'a>,
    scope: usize,
    /// The index of the module's statement that is being visited.
    statement: usize,
    /// The number of conditions, loops and the like around the visited code, within its scope.
    nesting: usize,
}

impl<'a> Indexer<'a> {
    fn position(&self) -> CodePosition {
        CodePosition {
            scope: self.scope,
            statement: self.statement,
            is_unconditional: self.nesting == 0,
        }
    }

    fn bind(&mut self, name: &'a str, binding: Binding<'a>) {
        let scope = if self.index.scopes[self.scope].globals.contains_key(name) {
            MODULE
        } else {
            self.scope
        };
        if scope == MODULE {
            self.index.bound_in_module.push((self.statement, name));
        }
        let names = &mut self.index.scopes[scope].names;
        names.entry(name).or_default().push(binding);
    }

    /// Binds or visits the target of an assignment.
    fn assign(&mut self, target: &'a Expr, value: &'a Expr) {
        if let Expr::Name(name) = target {
            self.bind(&name.id, Binding::Value(value));
            return;
        }
        if let Expr::Subscript(item) = target
            && let Expr::Name(name) = &*item.value
            && let Some(key) = string_literal(&item.slice)
        {
            let position = self.position();
            self.index.item_assignments.push(ItemAssignment {
                name: &name.id,
                key,
                value,
                position,
            });
        }
        self.visit_expr(target);
    }

    /// Visits the parts of a class, function or lambda that belong to its own scope. Returns the scope's number.
    fn in_new_scope(&mut self, kind: ScopeKind, visit: impl FnOnce(&mut Self)) -> usize {
        let (outer, nesting) = (self.scope, self.nesting);
        self.index.scopes.push(Scope::new(kind, Some(outer)));
        let inner = self.index.scopes.len() - 1;
        (self.scope, self.nesting) = (inner, 0);
        visit(self);
        (self.scope, self.nesting) = (outer, nesting);
        inner
    }

    fn bind_parameters(&mut self, parameters: &'a Parameters) {
        for parameter in parameters {
            self.bind(parameter.name().as_str(), Binding::Other);
        }
    }
}

impl<'a> Visitor<'a> for Indexer<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                for decorator in &function.decorator_list {
                    self.visit_decorator(decorator);
                }
                self.visit_parameters(&function.parameters);
                if let Some(returns) = &function.returns {
                    self.visit_annotation(returns);
                }
                let scope = self.in_new_scope(ScopeKind::Function, |inner| {
                    inner.bind_parameters(&function.parameters);
                    inner.visit_body(&function.body);
                });
                self.bind(function.name.as_str(), Binding::Function(scope));
            }
            Stmt::ClassDef(class) => {
                for decorator in &class.decorator_list {
                    self.visit_decorator(decorator);
                }
                if let Some(arguments) = &class.arguments {
                    self.visit_arguments(arguments);
                }
                self.in_new_scope(ScopeKind::Class, |inner| inner.visit_body(&class.body));
                self.bind(class.name.as_str(), Binding::Other);
            }
            Stmt::Import(_) | Stmt::ImportFrom(_) => {
                for imported in imported_names(statement) {
                    self.bind(imported.name, Binding::Import(imported.path));
                }
            }
            Stmt::Assign(assign) => {
                self.visit_expr(&assign.value);
                for target in &assign.targets {
                    self.assign(target, &assign.value);
                }
            }
            Stmt::AnnAssign(assign) => {
                self.visit_annotation(&assign.annotation);
                if let Some(value) = &assign.value {
                    self.visit_expr(value);
                    self.assign(&assign.target, value);
                }
            }
            Stmt::Global(global) => {
                let names = global.names.iter();
                self.index.scopes[self.scope]
                    .globals
                    .extend(names.map(|name| (name.as_str(), statement.start())));
            }
            Stmt::Return(returned) => {
                if let Some(value) = &returned.value {
                    self.visit_expr(value);
                    self.index.scopes[self.scope].returns.push(value);
                }
            }
            Stmt::If(_)
            | Stmt::For(_)
            | Stmt::While(_)
            | Stmt::Try(_)
            | Stmt::With(_)
            | Stmt::Match(_) => {
                self.nesting += 1;
                visitor::walk_stmt(self, statement);
                self.nesting -= 1;
            }
            _ => visitor::walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if name.ctx != ExprContext::Load => {
                self.bind(&name.id, Binding::Other);
            }
            Expr::Named(named) => {
                self.visit_expr(&named.value);
                self.assign(&named.target, &named.value);
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_parameters(parameters);
                }
                self.in_new_scope(ScopeKind::Lambda, |inner| {
                    if let Some(parameters) = &lambda.parameters {
                        inner.bind_parameters(parameters);
                    }
                    inner.visit_expr(&lambda.body);
                });
            }
            _ => {
                if matches!(
                    expression,
                    Expr::Call(_) | Expr::FString(_) | Expr::Name(_) | Expr::Subscript(_)
                ) {
                    self.index.expressions.push((expression, self.position()));
                }
                visitor::walk_expr(self, expression);
            }
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(caught) = handler;
        if let Some(name) = &caught.name {
            self.bind(name.as_str(), Binding::Other);
        }
        visitor::walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let captured = match pattern {
            Pattern::MatchAs(pattern) => pattern.name.as_ref(),
            Pattern::MatchStar(pattern) => pattern.name.as_ref(),
            Pattern::MatchMapping(pattern) => pattern.rest.as_ref(),
            _ => None,
        };
        if let Some(name) = captured {
            self.bind(name.as_str(), Binding::Other);
        }
        visitor::walk_pattern(self, pattern);
    }
}
