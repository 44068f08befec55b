//! Finds what binds a name, or could change its value, in a script's syntax tree.

use std::collections::HashMap;

use ruff_python_ast::visitor::{Visitor, walk_except_handler, walk_expr, walk_pattern, walk_stmt};
use ruff_python_ast::{Alias, ExceptHandler, Expr, ExprContext, Pattern, Stmt};
use ruff_text_size::{Ranged, TextSize};

/// What `from … import *` is recorded as.
pub(super) const EVERYTHING: &str = "*";

/// Built-in functions that can bind any name of the module.
const BINDERS: [&str; 6] = ["eval", "exec", "globals", "locals", "setattr", "vars"];

/// The names that a statement binds in the module, wherever in it.
pub(super) fn of_statement(statement: &Stmt) -> Vec<String> {
    let mut bound = Bound::default();
    bound.visit_stmt(statement);
    bound.names
}

/// The names that an expression binds (`:=`).
pub(super) fn of_expression(expression: &Expr) -> Vec<String> {
    let mut bound = Bound::default();
    bound.visit_expr(expression);
    bound.names
}

/// The name that an import binds.
pub(super) fn of_alias(alias: &Alias) -> &str {
    let bound = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
    bound.split('.').next().unwrap_or(bound)
}

#[derive(Default)]
struct Bound {
    names: Vec<String>,
}

impl<'a> Visitor<'a> for Bound {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => self.names.push(function.name.to_string()),
            Stmt::ClassDef(class) => self.names.push(class.name.to_string()),
            Stmt::Import(import) => self
                .names
                .extend(import.names.iter().map(|alias| of_alias(alias).to_owned())),
            Stmt::ImportFrom(import) => self
                .names
                .extend(import.names.iter().map(|alias| of_alias(alias).to_owned())),
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

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        let ExceptHandler::ExceptHandler(caught) = handler;
        self.names
            .extend(caught.name.as_ref().map(ToString::to_string));
        walk_except_handler(self, handler);
    }

    fn visit_pattern(&mut self, pattern: &'a Pattern) {
        let captured = match pattern {
            Pattern::MatchAs(pattern) => pattern.name.as_ref(),
            Pattern::MatchStar(pattern) => pattern.name.as_ref(),
            Pattern::MatchMapping(pattern) => pattern.rest.as_ref(),
            _ => None,
        };
        self.names.extend(captured.map(ToString::to_string));
        walk_pattern(self, pattern);
    }
}

/// What a whole module does with names beyond binding them in its own statements.
#[derive(Default)]
pub(super) struct Uses {
    /// Names that a function or class declares `global`.
    pub(super) globals: HashMap<String, TextSize>,
    /// Names whose value is used, and the first place.
    pub(super) loads: HashMap<String, TextSize>,
    /// Where the module itself calls what can bind any name.
    pub(super) binder: Option<TextSize>,
    depth: usize,
}

impl Uses {
    pub(super) fn of(module: &[Stmt]) -> Self {
        let mut uses = Self::default();
        uses.visit_body(module);
        uses
    }
}

impl<'a> Visitor<'a> for Uses {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Global(global) => {
                let at = statement.start();
                self.globals
                    .extend(global.names.iter().map(|name| (name.to_string(), at)));
            }
            Stmt::FunctionDef(_) => {
                self.depth += 1;
                walk_stmt(self, statement);
                self.depth -= 1;
            }
            _ => walk_stmt(self, statement),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Name(name) = expression
            && name.ctx == ExprContext::Load
        {
            let at = expression.start();
            if self.depth == 0 && BINDERS.contains(&name.id.as_str()) {
                self.binder.get_or_insert(at);
            }
            self.loads.entry(name.id.to_string()).or_insert(at);
        }
        walk_expr(self, expression);
    }
}
