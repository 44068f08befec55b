//! What expressions of an `env.py` stand for, as far as its own text tells.

use ruff_python_ast::{Expr, ExprCall};

use super::survey::{Binding, CodePosition, Survey};

/// Names lead to names; further than so far nobody can follow.
const DEPTH: usize = 8;

/// Where a URL comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum UrlOrigin {
    /// It stands in `env.py`.
    Literal(String),
    /// The configuration's `sqlalchemy.url`, of its main section or another.
    Ini { main: bool },
    /// It has been converted already.
    Converted,
    /// `None`.
    Nothing,
    /// Anything else.
    Elsewhere,
}

/// Where a connection comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConnectionSource {
    /// An engine that `env.py` makes.
    Engine,
    /// Something of a module that `env.py` imports, by its path.
    Imported(String),
    /// It can't be told.
    Unknown,
}

/// The names of the functions that convert, ours and those of the package `limbeck`.
fn converts(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    super::EngineKind::ALL
        .iter()
        .any(|mode| mode.function_name() == name)
        || path.split('.').next() == Some("limbeck")
}

impl<'a> Survey<'a> {
    /// The dotted path of a name or attribute that an import leads to, or the bare name of a function of
    /// the module's own.
    pub(super) fn path(&self, expression: &Expr, scope: usize) -> Option<String> {
        self.path_within(expression, scope, DEPTH)
    }

    fn path_within(&self, expression: &Expr, scope: usize, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        match expression {
            Expr::Attribute(attribute) => {
                let owner = self.path_within(&attribute.value, scope, depth)?;
                Some(format!("{owner}.{}", attribute.attr))
            }
            Expr::Name(name) => {
                let (bindings, at) = self.bindings(&name.id, scope);
                match bindings {
                    [] => None,
                    [Binding::Value(value)] => self.path_within(value, at, depth),
                    _ => bindings.iter().find_map(|binding| match binding {
                        Binding::Import(path) => Some(path.clone()),
                        Binding::Function(_) => Some(name.id.to_string()),
                        _ => None,
                    }),
                }
            }
            _ => None,
        }
    }

    /// What a name that is bound once is bound to; the expression itself where it is no such name.
    pub(super) fn value<'b>(&'b self, expression: &'b Expr, scope: usize) -> (&'b Expr, usize) {
        let (mut found, mut scope) = (expression, scope);
        for _ in 0..DEPTH {
            let next = match found {
                Expr::Name(name) => match self.bindings(&name.id, scope) {
                    ([Binding::Value(value)], at) => Some((*value, at)),
                    _ => None,
                },
                Expr::Subscript(item) => self.stored(item, scope).map(|value| (value, scope)),
                _ => None,
            };
            match next {
                Some((value, at)) => (found, scope) = (value, at),
                None => break,
            }
        }
        (found, scope)
    }

    /// The one value that `name["key"]` is given in its scope.
    fn stored(&self, item: &ruff_python_ast::ExprSubscript, scope: usize) -> Option<&'a Expr> {
        let (Expr::Name(name), Expr::StringLiteral(key)) = (&*item.value, &*item.slice) else {
            return None;
        };
        let mut stores = self.stores.iter().filter(|store| {
            store.name == name.id.as_str()
                && store.key == key.value.to_str()
                && store.position.scope == scope
        });
        let first = stores.next()?;
        stores.next().is_none().then_some(first.value)
    }

    /// Where a URL comes from.
    pub(super) fn origin(&self, url: &Expr, scope: usize) -> UrlOrigin {
        let (value, scope) = self.value(without_doubling(url).unwrap_or(url), scope);
        let (value, scope) = match without_doubling(value) {
            Some(inner) => self.value(inner, scope),
            None => (value, scope),
        };
        match value {
            Expr::StringLiteral(text) => UrlOrigin::Literal(text.value.to_string()),
            Expr::NoneLiteral(_) => UrlOrigin::Nothing,
            Expr::Call(call) => {
                if self
                    .path(&call.func, scope)
                    .is_some_and(|path| converts(&path))
                {
                    return UrlOrigin::Converted;
                }
                match &*call.func {
                    Expr::Attribute(method) if method.attr.as_str() == "get_main_option" => {
                        match text_at(call, 0) {
                            // A default may come from anywhere.
                            Some("sqlalchemy.url") if call.arguments.len() == 1 => {
                                UrlOrigin::Ini { main: true }
                            }
                            _ => UrlOrigin::Elsewhere,
                        }
                    }
                    Expr::Attribute(method) if method.attr.as_str() == "get_section_option" => {
                        match (call.arguments.find_positional(0), text_at(call, 1)) {
                            (Some(section), Some("sqlalchemy.url")) => UrlOrigin::Ini {
                                main: is_main_section(section),
                            },
                            _ => UrlOrigin::Elsewhere,
                        }
                    }
                    _ => UrlOrigin::Elsewhere,
                }
            }
            _ => UrlOrigin::Elsewhere,
        }
    }

    /// Whether the text behind a URL writes each `%` twice, as `set_main_option` wants it.
    pub(super) fn doubles(&self, url: &Expr, scope: usize) -> bool {
        let (value, scope) = self.value(url, scope);
        if without_doubling(value).is_some() {
            return true;
        }
        match value {
            Expr::StringLiteral(text) => text.value.to_str().contains("%%"),
            Expr::Call(call) => match &*call.func {
                Expr::Name(name) => match self.bindings(&name.id, scope).0 {
                    [Binding::Function(inner)] => self.scopes[*inner]
                        .returns
                        .iter()
                        .any(|returned| without_doubling(self.value(returned, *inner).0).is_some()),
                    _ => false,
                },
                _ => false,
            },
            _ => false,
        }
    }

    /// Where what `connect` is called on comes from.
    pub(super) fn maker(&self, expression: &Expr, scope: usize) -> ConnectionSource {
        self.maker_within(expression, scope, DEPTH)
    }

    fn maker_within(&self, expression: &Expr, scope: usize, depth: usize) -> ConnectionSource {
        let Some(depth) = depth.checked_sub(1) else {
            return ConnectionSource::Unknown;
        };
        let all = |of: &mut dyn Iterator<Item = (&Expr, usize)>| {
            best(of.map(|(one, at)| self.maker_within(one, at, depth)))
        };
        match expression {
            Expr::Await(inner) => self.maker_within(&inner.value, scope, depth),
            Expr::Named(inner) => self.maker_within(&inner.value, scope, depth),
            Expr::BoolOp(choice) => all(&mut choice.values.iter().map(|one| (one, scope))),
            Expr::If(choice) => all(&mut [&*choice.body, &*choice.orelse]
                .into_iter()
                .map(|one| (one, scope))),
            Expr::Name(name) => {
                let (bindings, at) = self.bindings(&name.id, scope);
                best(bindings.iter().map(|binding| match binding {
                    Binding::Import(path) => imported(path.clone()),
                    Binding::Value(value) => self.maker_within(value, at, depth),
                    Binding::Function(_) | Binding::Other => ConnectionSource::Unknown,
                }))
            }
            Expr::Attribute(attribute) => match self.path(expression, scope) {
                Some(path) if path.contains('.') => imported(path),
                _ => self.maker_within(&attribute.value, scope, depth),
            },
            Expr::Subscript(item) => match self.value(expression, scope) {
                (value, at) if !std::ptr::eq(value, expression) => {
                    self.maker_within(value, at, depth)
                }
                _ => self.maker_within(&item.value, scope, depth),
            },
            Expr::Call(call) => {
                if super::sinks::is_engine(self.path(&call.func, scope).as_deref()) {
                    return ConnectionSource::Engine;
                }
                if let Expr::Name(name) = &*call.func
                    && let [Binding::Function(inner)] = self.bindings(&name.id, scope).0
                {
                    return all(&mut self.scopes[*inner].returns.iter().map(|one| (*one, *inner)));
                }
                self.maker_within(&call.func, scope, depth)
            }
            _ => ConnectionSource::Unknown,
        }
    }
}

/// An engine where there is one; else something imported where there is that.
fn best(makers: impl Iterator<Item = ConnectionSource>) -> ConnectionSource {
    makers.fold(ConnectionSource::Unknown, |best, maker| {
        match (&best, &maker) {
            (ConnectionSource::Engine, _) | (_, ConnectionSource::Unknown) => best,
            (_, ConnectionSource::Engine) | (ConnectionSource::Unknown, _) => maker,
            _ => best,
        }
    })
}

fn imported(path: String) -> ConnectionSource {
    // `context.config.attributes` holds what a caller has put there.
    match path.split('.').next() {
        Some("alembic") => ConnectionSource::Unknown,
        _ => ConnectionSource::Imported(path),
    }
}

/// The text of an argument by position.
pub(super) fn text_at(call: &ExprCall, position: usize) -> Option<&str> {
    match call.arguments.find_positional(position)? {
        Expr::StringLiteral(text) => Some(text.value.to_str()),
        _ => None,
    }
}

/// `….config_ini_section`.
pub(super) fn is_main_section(section: &Expr) -> bool {
    matches!(section, Expr::Attribute(attribute) if attribute.attr.as_str() == "config_ini_section")
}

/// `x` of `x.replace("%", "%%")`.
pub(super) fn without_doubling(expression: &Expr) -> Option<&Expr> {
    let Expr::Call(call) = expression else {
        return None;
    };
    let Expr::Attribute(method) = &*call.func else {
        return None;
    };
    let is_it = method.attr.as_str() == "replace"
        && text_at(call, 0) == Some("%")
        && text_at(call, 1) == Some("%%");
    is_it.then_some(&*method.value)
}

impl CodePosition {
    /// Whether it comes after another that always happens: in a function, which runs later, or further down.
    pub(super) fn is_after(self, other: Self) -> bool {
        self.scope != super::survey::MODULE || self.statement > other.statement
    }
}
