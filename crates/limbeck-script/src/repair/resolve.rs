//! Resolves the expressions of an `env.py`: the import or value behind a name, the origin of a URL or a connection.

use ruff_python_ast::{Expr, ExprCall, ExprSubscript};

use crate::syntax::{Binding, ModuleIndex, string_literal};

/// The maximum number of steps from a name to another. It ends cycles.
const MAX_STEPS: usize = 8;

/// The origin of a URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UrlOrigin {
    /// A string literal in `env.py`.
    Literal(String),
    /// The option `sqlalchemy.url` of the configuration.
    Ini { is_main_section: bool },
    /// A call of a function that converts URLs.
    Converted,
    /// `None`.
    Nothing,
    /// Any other expression.
    Unknown,
}

/// The origin of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConnectionOrigin {
    /// An engine that `env.py` makes.
    Engine,
    /// An imported object, by its dotted path.
    Imported(String),
    /// Any other expression.
    Unknown,
}

/// Returns `true` if a dotted path names a function that converts URLs: one of the snippets, or one of the package
/// `limbeck`.
fn is_conversion(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    super::EngineKind::ALL
        .iter()
        .any(|engine| engine.function_name() == name)
        || path.split('.').next() == Some("limbeck")
}

impl<'a> ModuleIndex<'a> {
    /// Returns the dotted path of an imported object, given a name or attribute. A function of the module itself has
    /// its bare name as path.
    pub(super) fn path(&self, expression: &Expr, scope: usize) -> Option<String> {
        self.path_within(expression, scope, MAX_STEPS)
    }

    fn path_within(&self, expression: &Expr, scope: usize, steps: usize) -> Option<String> {
        let steps = steps.checked_sub(1)?;
        match expression {
            Expr::Attribute(attribute) => {
                let owner = self.path_within(&attribute.value, scope, steps)?;
                Some(format!("{owner}.{}", attribute.attr))
            }
            Expr::Name(name) => {
                let (bindings, scope) = self.bindings(&name.id, scope);
                if let [Binding::Value(value)] = bindings {
                    return self.path_within(value, scope, steps);
                }
                bindings.iter().find_map(|binding| match binding {
                    Binding::Import(path) => Some(path.clone()),
                    Binding::Function(_) => Some(name.id.to_string()),
                    Binding::Value(_) | Binding::Other => None,
                })
            }
            _ => None,
        }
    }

    /// Follows names and items that are assigned once. Returns the expression at the end and its scope.
    pub(super) fn value<'b>(&'b self, expression: &'b Expr, scope: usize) -> (&'b Expr, usize) {
        let (mut found, mut scope) = (expression, scope);
        for _ in 0..MAX_STEPS {
            let next = match found {
                Expr::Name(name) => match self.bindings(&name.id, scope) {
                    ([Binding::Value(value)], scope) => Some((*value, scope)),
                    _ => None,
                },
                Expr::Subscript(item) => {
                    self.assigned_item(item, scope).map(|value| (value, scope))
                }
                _ => None,
            };
            let Some(next) = next else { break };
            (found, scope) = next;
        }
        (found, scope)
    }

    /// Returns the value of `name["key"]` if its scope assigns that item once.
    fn assigned_item(&self, item: &ExprSubscript, scope: usize) -> Option<&'a Expr> {
        let (Expr::Name(name), Some(key)) = (&*item.value, string_literal(&item.slice)) else {
            return None;
        };
        let mut assignments = self.item_assignments.iter().filter(|assignment| {
            assignment.name == name.id.as_str()
                && assignment.key == key
                && assignment.position.scope == scope
        });
        let first = assignments.next()?;
        assignments.next().is_none().then_some(first.value)
    }

    /// Returns the scope of the function that a name is bound to, if the name is bound once.
    fn called_function(&self, call: &ExprCall, scope: usize) -> Option<usize> {
        match &*call.func {
            Expr::Name(name) => match self.bindings(&name.id, scope).0 {
                [Binding::Function(inner)] => Some(*inner),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns the origin of a URL.
    pub(super) fn url_origin(&self, url: &Expr, scope: usize) -> UrlOrigin {
        let (value, scope) = self.value(without_doubling(url).unwrap_or(url), scope);
        let (value, scope) = match without_doubling(value) {
            Some(inner) => self.value(inner, scope),
            None => (value, scope),
        };
        let call = match value {
            Expr::StringLiteral(text) => return UrlOrigin::Literal(text.value.to_str().to_owned()),
            Expr::NoneLiteral(_) => return UrlOrigin::Nothing,
            Expr::Call(call) => call,
            _ => return UrlOrigin::Unknown,
        };
        if self
            .path(&call.func, scope)
            .is_some_and(|path| is_conversion(&path))
        {
            return UrlOrigin::Converted;
        }
        let Expr::Attribute(method) = &*call.func else {
            return UrlOrigin::Unknown;
        };
        match method.attr.as_str() {
            // With a second argument, the URL may be that default.
            "get_main_option"
                if text_at(call, 0) == Some("sqlalchemy.url") && call.arguments.len() == 1 =>
            {
                UrlOrigin::Ini {
                    is_main_section: true,
                }
            }
            "get_section_option" if text_at(call, 1) == Some("sqlalchemy.url") => {
                match call.arguments.find_positional(0) {
                    Some(section) => UrlOrigin::Ini {
                        is_main_section: is_main_section(section),
                    },
                    None => UrlOrigin::Unknown,
                }
            }
            _ => UrlOrigin::Unknown,
        }
    }

    /// Returns `true` if the code behind a URL doubles each `%`, as `set_main_option` requires.
    pub(super) fn doubles_percent(&self, url: &Expr, scope: usize) -> bool {
        let (value, scope) = self.value(url, scope);
        if without_doubling(value).is_some() {
            return true;
        }
        match value {
            Expr::StringLiteral(text) => text.value.to_str().contains("%%"),
            Expr::Call(call) => self.called_function(call, scope).is_some_and(|inner| {
                self.returned_values(inner)
                    .iter()
                    .any(|returned| without_doubling(self.value(returned, inner).0).is_some())
            }),
            _ => false,
        }
    }

    /// Returns the origin of the object that `connect` is called on.
    pub(super) fn connection_origin(&self, expression: &Expr, scope: usize) -> ConnectionOrigin {
        self.connection_origin_within(expression, scope, MAX_STEPS)
    }

    fn connection_origin_within(
        &self,
        expression: &Expr,
        scope: usize,
        steps: usize,
    ) -> ConnectionOrigin {
        let Some(steps) = steps.checked_sub(1) else {
            return ConnectionOrigin::Unknown;
        };
        let follow = |next: &Expr, scope| self.connection_origin_within(next, scope, steps);
        match expression {
            Expr::Await(inner) => follow(&inner.value, scope),
            Expr::Named(inner) => follow(&inner.value, scope),
            Expr::BoolOp(choice) => best(choice.values.iter().map(|value| follow(value, scope))),
            Expr::If(choice) => best(
                [&choice.body, &choice.orelse]
                    .into_iter()
                    .map(|value| follow(value, scope)),
            ),
            Expr::Name(name) => {
                let (bindings, scope) = self.bindings(&name.id, scope);
                best(bindings.iter().map(|binding| match binding {
                    Binding::Import(path) => imported(path.clone()),
                    Binding::Value(value) => follow(value, scope),
                    Binding::Function(_) | Binding::Other => ConnectionOrigin::Unknown,
                }))
            }
            Expr::Attribute(attribute) => match self.path(expression, scope) {
                Some(path) if path.contains('.') => imported(path),
                _ => follow(&attribute.value, scope),
            },
            Expr::Subscript(item) => match self.value(expression, scope) {
                (value, scope) if !std::ptr::eq(value, expression) => follow(value, scope),
                _ => follow(&item.value, scope),
            },
            Expr::Call(call) => {
                if super::sinks::makes_engine(self.path(&call.func, scope).as_deref()) {
                    return ConnectionOrigin::Engine;
                }
                match self.called_function(call, scope) {
                    Some(inner) => {
                        let returned = self.returned_values(inner).iter();
                        best(returned.map(|value| follow(value, inner)))
                    }
                    None => follow(&call.func, scope),
                }
            }
            _ => ConnectionOrigin::Unknown,
        }
    }
}

/// Returns an engine if there is one, otherwise the first imported object.
fn best(origins: impl Iterator<Item = ConnectionOrigin>) -> ConnectionOrigin {
    origins.fold(ConnectionOrigin::Unknown, |best, origin| {
        match (&best, &origin) {
            (ConnectionOrigin::Engine, _) | (_, ConnectionOrigin::Unknown) => best,
            (_, ConnectionOrigin::Engine) | (ConnectionOrigin::Unknown, _) => origin,
            _ => best,
        }
    })
}

fn imported(path: String) -> ConnectionOrigin {
    // `context.config.attributes` holds objects that the caller of Alembic has put there.
    match path.split('.').next() {
        Some("alembic") => ConnectionOrigin::Unknown,
        _ => ConnectionOrigin::Imported(path),
    }
}

/// Returns the text of a positional argument, if it is a string literal.
pub(super) fn text_at(call: &ExprCall, position: usize) -> Option<&str> {
    string_literal(call.arguments.find_positional(position)?)
}

/// Returns `true` if an expression is `….config_ini_section`.
pub(super) fn is_main_section(section: &Expr) -> bool {
    matches!(section, Expr::Attribute(attribute) if attribute.attr.as_str() == "config_ini_section")
}

/// Returns `x`, given `x.replace("%", "%%")`.
pub(super) fn without_doubling(expression: &Expr) -> Option<&Expr> {
    let Expr::Call(call) = expression else {
        return None;
    };
    let Expr::Attribute(method) = &*call.func else {
        return None;
    };
    let is_doubling = method.attr.as_str() == "replace"
        && text_at(call, 0) == Some("%")
        && text_at(call, 1) == Some("%%");
    is_doubling.then_some(&*method.value)
}
