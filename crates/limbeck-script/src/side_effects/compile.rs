//! Finds code in functions that `CPython`'s compiler may refuse although the parser accepts it.

use std::collections::HashSet;

use ruff_python_ast::visitor::{self, Visitor};
use ruff_python_ast::{Expr, Parameters, Stmt, StmtFunctionDef};

/// Checks that `CPython` compiles a function. Returns `None` for a function with code that only `CPython` can judge, such as
/// `await`, `yield`, `nonlocal` and classes.
pub(super) fn check_function(function: &StmtFunctionDef) -> Option<()> {
    let mut checker = Checker {
        loops: 0,
        is_certain: true,
    };
    checker.check_function(function);
    checker.is_certain.then_some(())
}

struct Checker {
    /// The number of loops around the visited statement, within its function.
    loops: usize,
    is_certain: bool,
}

impl Checker {
    fn require(&mut self, condition: bool) {
        self.is_certain &= condition;
    }

    fn check_function(&mut self, function: &StmtFunctionDef) {
        self.require(!function.is_async);
        self.check_parameters(&function.parameters);
        let loops = std::mem::take(&mut self.loops);
        self.visit_body(&function.body);
        self.loops = loops;
    }

    fn check_parameters(&mut self, parameters: &Parameters) {
        let mut names = HashSet::new();
        for parameter in parameters {
            let name = parameter.name().as_str();
            self.require(name != "__debug__" && names.insert(name));
        }
    }
}

impl<'a> Visitor<'a> for Checker {
    fn visit_stmt(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::FunctionDef(function) => {
                function
                    .decorator_list
                    .iter()
                    .for_each(|one| self.visit_decorator(one));
                self.visit_parameters(&function.parameters);
                self.check_function(function);
            }
            Stmt::For(_) | Stmt::While(_) => {
                self.require(!matches!(statement, Stmt::For(each) if each.is_async));
                self.loops += 1;
                visitor::walk_stmt(self, statement);
                self.loops -= 1;
            }
            Stmt::Break(_) | Stmt::Continue(_) => self.require(self.loops > 0),
            Stmt::With(with) => {
                self.require(!with.is_async);
                visitor::walk_stmt(self, statement);
            }
            Stmt::ImportFrom(import) => {
                let is_star = import.names.iter().any(|name| name.name.as_str() == "*");
                let is_future = import.module.as_deref() == Some("__future__");
                self.require(!is_star && !is_future);
            }
            Stmt::Try(attempt) => {
                // An `except:` without a type must be the last one.
                let handlers = attempt.handlers.iter().rev().skip(1);
                let all_typed = handlers
                    .filter_map(|handler| handler.as_except_handler())
                    .all(|handler| handler.type_.is_some());
                self.require(all_typed);
                visitor::walk_stmt(self, statement);
            }
            Stmt::ClassDef(_) | Stmt::Global(_) | Stmt::Nonlocal(_) | Stmt::AnnAssign(_) => {
                self.require(false);
            }
            other => visitor::walk_stmt(self, other),
        }
    }

    fn visit_expr(&mut self, expression: &'a Expr) {
        match expression {
            Expr::Await(_) | Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Named(_) => {
                self.require(false);
            }
            Expr::Starred(starred) => {
                // Several of them in one target, or one outside a list.
                self.require(starred.ctx.is_load());
                visitor::walk_expr(self, expression);
            }
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.check_parameters(parameters);
                }
                visitor::walk_expr(self, expression);
            }
            Expr::Name(name) => {
                self.require(name.id.as_str() != "__debug__" || name.ctx.is_load());
            }
            other => visitor::walk_expr(self, other),
        }
    }

    fn visit_comprehension(&mut self, comprehension: &'a ruff_python_ast::Comprehension) {
        self.require(!comprehension.is_async);
        visitor::walk_comprehension(self, comprehension);
    }
}
