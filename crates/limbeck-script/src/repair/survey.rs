//! Everything in an `env.py` that its repair looks at: calls, what names are bound to, what functions return.

use std::collections::{HashMap, HashSet};

use ruff_python_ast::visitor::{Visitor, walk_arguments, walk_expr, walk_stmt};
use ruff_python_ast::{
    Alias, ExceptHandler, Expr, ExprCall, ExprContext, Parameters, Stmt, StmtFunctionDef,
};

/// The scope of the module itself.
pub(super) const MODULE: usize = 0;

/// What a name is bound to.
#[derive(Debug, Clone)]
pub(super) enum Binding<'a> {
    /// A module or something of one, by its dotted path.
    Import(String),
    /// The value of an assignment.
    Value(&'a Expr),
    /// A function, and the scope of its body.
    Function(usize),
    /// A parameter, a loop's target, a class and the like.
    Other,
}

/// Where something stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct CodePosition {
    /// The scope that it is in.
    pub(super) scope: usize,
    /// The module's statement that it is in, counted from 0.
    pub(super) statement: usize,
    /// It always happens when its scope runs: no condition, loop or `try` is around it.
    pub(super) always: bool,
}

/// A scope's names.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    parent: Option<usize>,
    is_class: bool,
    globals: HashSet<&'a str>,
    names: HashMap<&'a str, Vec<Binding<'a>>>,
    /// What a function returns.
    pub(super) returns: Vec<&'a Expr>,
}

/// `name["key"] = value`.
#[derive(Debug)]
pub(super) struct Store<'a> {
    pub(super) name: &'a str,
    pub(super) key: &'a str,
    pub(super) value: &'a Expr,
    pub(super) position: CodePosition,
}

/// What is in a module.
#[derive(Debug)]
pub(super) struct Survey<'a> {
    pub(super) scopes: Vec<Scope<'a>>,
    pub(super) calls: Vec<(&'a ExprCall, CodePosition)>,
    pub(super) stores: Vec<Store<'a>>,
}

impl<'a> Survey<'a> {
    pub(super) fn of(module: &'a [Stmt]) -> Self {
        let mut surveyor = Surveyor {
            survey: Self {
                scopes: vec![Scope::default()],
                calls: Vec::new(),
                stores: Vec::new(),
            },
            scope: MODULE,
            statement: 0,
            nesting: 0,
        };
        for (number, statement) in module.iter().enumerate() {
            surveyor.statement = number;
            surveyor.visit_stmt(statement);
        }
        surveyor.survey
    }

    /// What a name is bound to where it is used, and the scope of that.
    pub(super) fn bindings(&self, name: &str, scope: usize) -> (&[Binding<'a>], usize) {
        let mut next = Some(scope);
        while let Some(number) = next {
            let here = &self.scopes[number];
            // A class's names are seen in its own body only.
            if (!here.is_class || number == scope)
                && let Some(bindings) = here.names.get(name)
            {
                return (bindings, number);
            }
            next = here.parent;
        }
        (&[], MODULE)
    }
}

struct Surveyor<'a> {
    survey: Survey<'a>,
    scope: usize,
    statement: usize,
    nesting: usize,
}

impl<'a> Surveyor<'a> {
    fn position(&self) -> CodePosition {
        CodePosition {
            scope: self.scope,
            statement: self.statement,
            always: self.nesting == 0,
        }
    }

    fn bind(&mut self, name: &'a str, binding: Binding<'a>) {
        let scope = if self.survey.scopes[self.scope].globals.contains(name) {
            MODULE
        } else {
            self.scope
        };
        let names = &mut self.survey.scopes[scope].names;
        names.entry(name).or_default().push(binding);
    }

    fn import(&mut self, alias: &'a Alias, path: String) {
        let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
        let first = name.split('.').next().unwrap_or(name);
        // `import a.b` binds `a`.
        let path = if first == name || alias.asname.is_some() {
            path
        } else {
            first.to_owned()
        };
        self.bind(first, Binding::Import(path));
    }

    /// Visits what has a scope of its own.
    fn inside(&mut self, is_class: bool, visit: impl FnOnce(&mut Self)) -> usize {
        let (outer, nesting) = (self.scope, self.nesting);
        self.survey.scopes.push(Scope {
            parent: Some(outer),
            is_class,
            ..Scope::default()
        });
        self.scope = self.survey.scopes.len() - 1;
        self.nesting = 0;
        let inner = self.scope;
        visit(self);
        (self.scope, self.nesting) = (outer, nesting);
        inner
    }

    fn parameters(&mut self, parameters: &'a Parameters) {
        for parameter in parameters {
            self.bind(parameter.name().as_str(), Binding::Other);
        }
    }

    fn function(&mut self, function: &'a StmtFunctionDef) {
        for decorator in &function.decorator_list {
            self.visit_decorator(decorator);
        }
        self.visit_defaults(&function.parameters);
        let inner = self.inside(false, |inner| {
            inner.parameters(&function.parameters);
            inner.visit_body(&function.body);
        });
        self.bind(function.name.as_str(), Binding::Function(inner));
    }

    fn visit_defaults(&mut self, parameters: &'a Parameters) {
        for default in parameters
            .iter_non_variadic_params()
            .filter_map(|one| one.default())
        {
            self.visit_expr(default);
        }
    }

    /// Binds an assignment's target; `value` is none where it can't be told.
    fn assign(&mut self, target: &'a Expr, value: Option<&'a Expr>) {
        match (target, value) {
            (Expr::Name(name), Some(value)) => self.bind(&name.id, Binding::Value(value)),
            (Expr::Subscript(target), Some(value)) => {
                if let (Expr::Name(name), Expr::StringLiteral(key)) =
                    (&*target.value, &*target.slice)
                {
                    let position = self.position();
                    self.survey.stores.push(Store {
                        name: &name.id,
                        key: key.value.to_str(),
                        value,
                        position,
                    });
                }
                walk_expr(self, &target.value);
            }
            _ => self.visit_expr(target),
        }
    }
}

impl<'a> Visitor<'a> for Surveyor<'a> {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => {
                if let Some(arguments) = &class.arguments {
                    walk_arguments(self, arguments);
                }
                self.inside(true, |inner| inner.visit_body(&class.body));
                self.bind(class.name.as_str(), Binding::Other);
            }
            Stmt::Import(import) => {
                for alias in &import.names {
                    self.import(alias, alias.name.to_string());
                }
            }
            Stmt::ImportFrom(import) => {
                let module = import.module.as_ref().map_or("", |module| module.as_str());
                let dots = ".".repeat(import.level as usize);
                for alias in &import.names {
                    self.import(alias, format!("{dots}{module}.{}", alias.name));
                }
            }
            Stmt::Assign(assign) => {
                self.visit_expr(&assign.value);
                for target in &assign.targets {
                    self.assign(target, Some(&assign.value));
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.visit_expr(value);
                    self.assign(&assign.target, Some(value));
                }
            }
            Stmt::Global(global) => {
                let names = global.names.iter().map(ruff_python_ast::Identifier::as_str);
                self.survey.scopes[self.scope].globals.extend(names);
            }
            Stmt::Return(returned) => {
                if let Some(value) = &returned.value {
                    self.visit_expr(value);
                    self.survey.scopes[self.scope].returns.push(value);
                }
            }
            Stmt::If(_)
            | Stmt::For(_)
            | Stmt::While(_)
            | Stmt::Try(_)
            | Stmt::With(_)
            | Stmt::Match(_) => {
                self.nesting += 1;
                walk_stmt(self, statement);
                self.nesting -= 1;
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Name(name) if !matches!(name.ctx, ExprContext::Load) => {
                self.bind(&name.id, Binding::Other);
            }
            Expr::Named(named) => {
                self.visit_expr(&named.value);
                self.assign(&named.target, Some(&named.value));
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.visit_defaults(parameters);
                }
                self.inside(false, |inner| {
                    if let Some(parameters) = &lambda.parameters {
                        inner.parameters(parameters);
                    }
                    inner.visit_expr(&lambda.body);
                });
            }
            Expr::Call(call) => {
                let position = self.position();
                self.survey.calls.push((call, position));
                walk_expr(self, expression);
            }
            _ => walk_expr(self, expression),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(inner) = handler;
        if let Some(name) = &inner.name {
            self.bind(name.as_str(), Binding::Other);
        }
        ruff_python_ast::visitor::walk_except_handler(self, handler);
    }
}
