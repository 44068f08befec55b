//! Makes the edits that wrap each URL in a conversion, and that insert the function which converts.

use std::collections::BTreeSet;

use ruff_python_ast::token::Tokens;
use ruff_python_ast::{Expr, ExprCall, ExprName, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::resolve::{UrlOrigin, is_main_section, without_doubling};
use super::sinks::{Sink, SinkKind};
use super::{Edit, EngineKind, Problem, RepairContext, UnchangedReason};
use crate::syntax::{CodePosition, MODULE, ModuleIndex, string_literal};

/// The result of [`edits`].
pub(super) enum EditOutcome {
    Edits(Vec<Edit>),
    Unchanged(UnchangedReason),
}

/// Applies edits to the text that they were planned for.
pub fn apply_edits(source: &str, edits: &[Edit]) -> String {
    let mut text = String::with_capacity(source.len() + 4096);
    let mut end = 0;
    for edit in edits {
        text += &source[end..edit.range.start];
        text += &edit.text;
        end = edit.range.end;
    }
    text + &source[end..]
}

/// Returns the edits of a module.
pub(super) fn edits(
    text: &str,
    module: &[Stmt],
    tokens: &Tokens,
    context: &RepairContext<'_>,
) -> Result<EditOutcome, Problem> {
    let index = &ModuleIndex::new(module);
    let sinks = &index.sinks()?;
    if let Some(problem) = index.imported_connection() {
        return Err(problem);
    }
    let engines: BTreeSet<EngineKind> = sinks.iter().filter_map(Sink::engine).collect();
    let Some(first_engine) = engines.first().copied() else {
        let reason = "it makes no engine that limbeck recognises: `create_engine`, `engine_from_config` or \
                      their asynchronous counterparts";
        return Err(Problem::at(
            index.configure_offset().unwrap_or_default(),
            reason,
        ));
    };
    let mut editor = Editor {
        text,
        tokens,
        index,
        context,
        sinks,
        default_engine: first_engine,
        has_both_engines: engines.len() > 1,
        edits: Vec::new(),
        wrapped: BTreeSet::new(),
        calls: BTreeSet::new(),
        has_conversion: false,
    };
    for sink in sinks {
        editor.edit_sink(sink)?;
    }
    if editor.edits.is_empty() {
        return Ok(EditOutcome::Unchanged(if editor.has_conversion {
            UnchangedReason::AlreadyConverted
        } else {
            UnchangedReason::UrlsSuit
        }));
    }
    let first_statement = editor.calls.iter().map(|(_, statement)| *statement).min();
    for engine in EngineKind::ALL {
        if editor.calls.iter().any(|(called, _)| *called == engine) {
            editor.insert_function(module, engine, first_statement.unwrap_or(0))?;
        }
    }
    let mut edits = editor.edits;
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    Ok(EditOutcome::Edits(edits))
}

pub(super) struct Editor<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a Tokens,
    pub(super) index: &'a ModuleIndex<'a>,
    context: &'a RepairContext<'a>,
    sinks: &'a [Sink<'a>],
    /// The kind of engine for a sink that makes none: synchronous if the file has both kinds, as no connection is made.
    default_engine: EngineKind,
    /// `true` if the file makes engines of both kinds.
    has_both_engines: bool,
    edits: Vec<Edit>,
    /// The start offsets of the wrapped expressions.
    wrapped: BTreeSet<usize>,
    /// The inserted calls: the engine that each converts for, and the module's statement that contains it.
    pub(super) calls: BTreeSet<(EngineKind, usize)>,
    /// `true` if the file already converts a URL.
    has_conversion: bool,
}

impl<'a> Editor<'a> {
    fn edit_sink(&mut self, sink: &'a Sink<'a>) -> Result<(), Problem> {
        let position = sink.position;
        match &sink.kind {
            SinkKind::Engine { url, engine } => self.convert_url(url, *engine, position),
            SinkKind::Configure { url } => self.convert_url(url, self.default_engine, position),
            // Engines of both kinds may read the option. Each converts the URL that it reads.
            SinkKind::Option { .. } if self.has_both_engines => {}
            SinkKind::Option { url, .. } => self.convert_option(url, position),
            SinkKind::Section {
                call,
                section,
                key,
                engine,
            } => self.convert_section(call, section, key, *engine, position)?,
        }
        Ok(())
    }

    /// Returns `true` if a URL of this origin needs no conversion.
    fn needs_no_conversion(
        &mut self,
        origin: &UrlOrigin,
        engine: EngineKind,
        position: CodePosition,
    ) -> bool {
        match origin {
            UrlOrigin::Nothing => true,
            UrlOrigin::Converted => {
                self.has_conversion = true;
                true
            }
            UrlOrigin::Literal(url) => (self.context.url_suits)(url, engine),
            UrlOrigin::Ini { is_main_section } => {
                *is_main_section && self.is_option_set_before(position)
                    || !self.index.sets_options() && (self.context.configuration_suits)(engine)
            }
            UrlOrigin::Unknown => false,
        }
    }

    /// Returns `true` if the module always sets the main `sqlalchemy.url`, to a converted URL, before `position`.
    fn is_option_set_before(&self, position: CodePosition) -> bool {
        !self.has_both_engines
            && self.sinks.iter().any(|sink| {
                matches!(
                    sink.kind,
                    SinkKind::Option {
                        is_main_option: true,
                        ..
                    }
                ) && sink.position.scope == MODULE
                    && sink.position.is_unconditional
                    && position.is_after(sink.position)
            })
    }

    fn convert_url(&mut self, url: &Expr, engine: EngineKind, position: CodePosition) {
        let origin = self.index.url_origin(url, position.scope);
        if !self.needs_no_conversion(&origin, engine, position) {
            self.wrap(url.range(), engine, ("", ""), position);
        }
    }

    /// Converts a URL in an option of the configuration, where each `%` is doubled.
    fn convert_option(&mut self, url: &Expr, position: CodePosition) {
        const DOUBLE: &str = ".replace(\"%\", \"%%\")";
        const UNDO: &str = ".replace(\"%%\", \"%\")";
        let origin = self.index.url_origin(url, position.scope);
        let engine = self.default_engine;
        if self.needs_no_conversion(&origin, engine, position) {
            return;
        }
        if let Some(inner) = without_doubling(url) {
            self.wrap(inner.range(), engine, ("", ""), position);
        } else if can_have_method_call(url)
            && (self.index.doubles_percent(url, position.scope)
                || self.is_doubled_by_project(url, position))
        {
            self.wrap(url.range(), engine, (UNDO, DOUBLE), position);
        } else {
            self.wrap(url.range(), engine, ("", DOUBLE), position);
        }
    }

    /// Returns `true` if a URL comes from a module of the project that doubles each `%`. If that module doubles them in
    /// other URLs only, undoing it changes nothing: a percent-encoded URL contains no `%%`.
    fn is_doubled_by_project(&self, url: &Expr, position: CodePosition) -> bool {
        let (value, scope) = self.index.value(url, position.scope);
        let source = match value {
            Expr::Call(call) => match call.arguments.args.first() {
                // `str(settings.url)`
                Some(inner) if self.index.path(&call.func, scope).is_none() => inner,
                _ => &*call.func,
            },
            other => other,
        };
        let path = self.index.path(source, scope);
        path.is_some_and(|path| (self.context.doubles_percent)(&path))
    }

    /// Wraps an expression in a call of the function that converts. `suffixes` are method calls: on the expression,
    /// and on the result.
    fn wrap(
        &mut self,
        range: TextRange,
        engine: EngineKind,
        suffixes: (&str, &str),
        position: CodePosition,
    ) {
        let (start, end) = (range.start().to_usize(), range.end().to_usize());
        // Several engines may use one section.
        if !self.wrapped.insert(start) {
            return;
        }
        let (inside, behind) = suffixes;
        self.insert(start, format!("{}(", engine.function_name()));
        self.insert(end, format!("{inside}){behind}"));
        self.calls.insert((engine, position.statement));
    }

    pub(super) fn insert(&mut self, offset: usize, text: String) {
        self.edits.push(Edit {
            range: offset..offset,
            text,
        });
    }

    /// Converts the URL of an engine that is made of a section.
    fn convert_section(
        &mut self,
        call: &ExprCall,
        section: &Expr,
        key: &str,
        engine: EngineKind,
        position: CodePosition,
    ) -> Result<(), Problem> {
        if let Expr::Name(name) = section
            && let Some(done) = self.convert_item(call, name, key, engine, position)
        {
            return done;
        }
        let (value, scope) = self.index.value(section, position.scope);
        if let Expr::Dict(items) = value {
            let url = items.iter().rev().find_map(|item| {
                let item_key = item.key.as_ref().and_then(string_literal)?;
                (item_key == key).then_some(&item.value)
            });
            let Some(url) = url else {
                let reason = format!("this dictionary has no item `{key}`");
                return Err(Problem::at(value.start(), reason));
            };
            self.convert_url(url, engine, CodePosition { scope, ..position });
            return Ok(());
        }
        let ini_section = section_argument(value);
        if let Some((_, name)) = ini_section
            && key == "sqlalchemy.url"
            && !self.index.changes_in_place(section)
        {
            let is_main_section = is_main_section(name);
            let origin = UrlOrigin::Ini { is_main_section };
            if self.needs_no_conversion(&origin, engine, position) {
                return Ok(());
            }
        }
        let key = python_string(key);
        let url = match (section, ini_section) {
            (Expr::Call(_), Some((config, name))) => {
                let config = &self.text[config.range()];
                if is_main_section(name) {
                    format!("{config}.get_main_option({key})")
                } else {
                    let name = &self.text[name.range()];
                    format!("{config}.get_section_option({name}, {key})")
                }
            }
            (Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_), _) => {
                format!("{}[{key}]", &self.text[section.range()])
            }
            _ => {
                let reason =
                    "the engine's section is computed in place: assign it to a variable first";
                return Err(Problem::at(section.start(), reason));
            }
        };
        self.add_url_argument(call, &url, engine, position)
    }

    /// Converts the URL that the module assigns to `name["key"]`, if it does so. The assignment is the better place
    /// for the conversion, if it always comes before the call.
    fn convert_item(
        &mut self,
        call: &ExprCall,
        name: &ExprName,
        key: &str,
        engine: EngineKind,
        position: CodePosition,
    ) -> Option<Result<(), Problem>> {
        let variable = |scope| self.index.bindings(&name.id, scope).1;
        let last = self.index.item_assignments.iter().rfind(|assignment| {
            assignment.name == name.id.as_str()
                && assignment.key == key
                && variable(assignment.position.scope) == variable(position.scope)
        })?;
        let is_before = if last.position.scope == position.scope {
            last.value.end() < call.start()
        } else {
            last.position.scope == MODULE && position.is_after(last.position)
        };
        if is_before && last.position.is_unconditional {
            self.convert_url(last.value, engine, last.position);
            return Some(Ok(()));
        }
        let url = format!("{}[{}]", name.id, python_string(key));
        Some(self.add_url_argument(call, &url, engine, position))
    }
}

/// Returns a string literal of Python. Each JSON string is one, and has the same value.
fn python_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns `true` if `.replace(…)` can follow an expression without parentheses.
fn can_have_method_call(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::Attribute(_)
            | Expr::Call(_)
            | Expr::Name(_)
            | Expr::StringLiteral(_)
            | Expr::Subscript(_)
    )
}

/// Returns `config` and `section`, given `config.get_section(section)`. Ignores `… or {}` and `dict(…)` around the call.
fn section_argument(value: &Expr) -> Option<(&Expr, &Expr)> {
    let value = match value {
        Expr::BoolOp(choice) => match choice.values.as_slice() {
            [first, Expr::Dict(rest)] if rest.items.is_empty() => first,
            _ => return None,
        },
        other => other,
    };
    let Expr::Call(call) = value else {
        return None;
    };
    match &*call.func {
        Expr::Name(name) if name.id.as_str() == "dict" && call.arguments.len() == 1 => {
            section_argument(call.arguments.args.first()?)
        }
        Expr::Attribute(method) if method.attr.as_str() == "get_section" => {
            let section = call.arguments.find_argument_value("name", 0)?;
            let is_simple = matches!(
                section,
                Expr::Name(_) | Expr::Attribute(_) | Expr::StringLiteral(_)
            );
            is_simple.then_some((&*method.value, section))
        }
        _ => None,
    }
}
