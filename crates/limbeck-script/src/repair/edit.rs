//! The edits that wrap each URL where it is handed on, and put the function in that they call.

use std::collections::BTreeSet;

use ruff_python_ast::token::Tokens;
use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::names::{UrlOrigin, is_main_section, without_doubling};
use super::sinks::{Sink, SinkKind};
use super::survey::{CodePosition, MODULE, Survey};
use super::{Edit, EngineKind, Problem, RepairContext, UnchangedReason};

/// What was found.
pub(super) enum EditOutcome {
    Edits(Vec<Edit>),
    Nothing(UnchangedReason),
}

/// Applies edits, which stand in the order of the text and don't overlap.
pub fn apply_edits(source: &str, edits: &[Edit]) -> String {
    let mut text = String::with_capacity(source.len() + 4096);
    let mut done = 0;
    for edit in edits {
        text += &source[done..edit.range.start];
        text += &edit.text;
        done = edit.range.end;
    }
    text + &source[done..]
}

/// The edits of a module.
pub(super) fn edits(
    text: &str,
    module: &[Stmt],
    tokens: &Tokens,
    survey: &Survey<'_>,
    context: &RepairContext<'_>,
) -> Result<EditOutcome, Problem> {
    let sinks = survey.sinks()?;
    if let Some(problem) = survey.imported_connection() {
        return Err(problem);
    }
    let modes: BTreeSet<EngineKind> = sinks.iter().filter_map(Sink::mode).collect();
    let Some(first) = modes.first().copied() else {
        let reason = "it makes no engine that limbeck recognises: `create_engine`, `engine_from_config` or \
                      their asynchronous counterparts";
        return Err(Problem::at(
            survey.configured_at().unwrap_or_default(),
            reason,
        ));
    };
    let mut editor = Editor {
        text,
        tokens,
        survey,
        context,
        sinks: &sinks,
        // Without a connection a synchronous URL serves both.
        mode: first,
        mixed: modes.len() > 1,
        edits: Vec::new(),
        wrapped: BTreeSet::new(),
        used: BTreeSet::new(),
        converted: false,
    };
    for sink in &sinks {
        editor.sink(sink)?;
    }
    if editor.edits.is_empty() {
        return Ok(EditOutcome::Nothing(if editor.converted {
            UnchangedReason::AlreadyConverted
        } else {
            UnchangedReason::UrlsSuit
        }));
    }
    let first_edited = editor.used.iter().map(|(_, statement)| *statement).min();
    for mode in EngineKind::ALL {
        if editor.used.iter().any(|(used, _)| *used == mode) {
            editor.function(module, mode, first_edited.unwrap_or(0))?;
        }
    }
    let mut edits = editor.edits;
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    Ok(EditOutcome::Edits(edits))
}

impl Sink<'_> {
    /// The mode of an engine.
    fn mode(&self) -> Option<EngineKind> {
        match &self.kind {
            SinkKind::Engine { mode, .. } | SinkKind::Section { mode, .. } => Some(*mode),
            SinkKind::Configure { .. } | SinkKind::Option { .. } => None,
        }
    }
}

pub(super) struct Editor<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a Tokens,
    pub(super) survey: &'a Survey<'a>,
    context: &'a RepairContext<'a>,
    sinks: &'a [Sink<'a>],
    /// The mode of what makes no connection.
    mode: EngineKind,
    /// There are engines of both modes.
    mixed: bool,
    edits: Vec<Edit>,
    /// Where what is wrapped begins.
    wrapped: BTreeSet<usize>,
    /// The functions that are called, and the module's statement in which they are.
    pub(super) used: BTreeSet<(EngineKind, usize)>,
    /// A URL is converted already.
    converted: bool,
}

impl Editor<'_> {
    fn sink(&mut self, sink: &Sink<'_>) -> Result<(), Problem> {
        let position = sink.position;
        match &sink.kind {
            SinkKind::Engine { url, mode } => self.url(url, *mode, position),
            SinkKind::Configure { url } => self.url(url, self.mode, position),
            // It may be read for engines of both modes, which then convert it themselves.
            SinkKind::Option { .. } if self.mixed => {}
            SinkKind::Option { url, .. } => self.option(url, position),
            SinkKind::Section {
                call,
                section,
                key,
                mode,
            } => self.section(call, section, key, *mode, position)?,
        }
        Ok(())
    }

    /// Whether a URL of this origin can be handed on as it is.
    fn is_fine(&mut self, origin: &UrlOrigin, mode: EngineKind, position: CodePosition) -> bool {
        match origin {
            UrlOrigin::Nothing => true,
            UrlOrigin::Converted => {
                self.converted = true;
                true
            }
            UrlOrigin::Literal(url) => (self.context.url_suits)(url, mode),
            UrlOrigin::Ini { main } => {
                *main && self.is_set_before(position)
                    || !self.survey.changes_options() && (self.context.configuration_suits)(mode)
            }
            UrlOrigin::Elsewhere => false,
        }
    }

    /// Whether the configuration's URL has always been replaced by a converted one before.
    fn is_set_before(&self, position: CodePosition) -> bool {
        !self.mixed
            && self.sinks.iter().any(|sink| {
                matches!(sink.kind, SinkKind::Option { main: true, .. })
                    && sink.position.scope == MODULE
                    && sink.position.always
                    && position.is_after(sink.position)
            })
    }

    fn url(&mut self, url: &Expr, mode: EngineKind, position: CodePosition) {
        let origin = self.survey.origin(url, position.scope);
        if !self.is_fine(&origin, mode, position) {
            self.wrap(url.range(), mode, "", "", position);
        }
    }

    /// A value of the configuration, in which each `%` is written twice.
    fn option(&mut self, url: &Expr, position: CodePosition) {
        let origin = self.survey.origin(url, position.scope);
        if self.is_fine(&origin, self.mode, position) {
            return;
        }
        if let Some(inner) = without_doubling(url) {
            self.wrap(inner.range(), self.mode, "", "", position);
        } else if can_have_a_method(url)
            && (self.survey.doubles(url, position.scope) || self.comes_doubled(url, position))
        {
            let undone = ".replace(\"%%\", \"%\")";
            self.wrap(
                url.range(),
                self.mode,
                undone,
                ".replace(\"%\", \"%%\")",
                position,
            );
        } else {
            self.wrap(
                url.range(),
                self.mode,
                "",
                ".replace(\"%\", \"%%\")",
                position,
            );
        }
    }

    /// Whether a URL comes from a module that writes each `%` twice. Where it does so for others only, taking that
    /// back changes nothing: a URL in which all is encoded has no `%%`.
    fn comes_doubled(&self, url: &Expr, position: CodePosition) -> bool {
        let (value, scope) = self.survey.value(url, position.scope);
        let source = match value {
            Expr::Call(call) => match call.arguments.args.first() {
                // `str(settings.url)`
                Some(inner) if self.survey.path(&call.func, scope).is_none() => inner,
                _ => &*call.func,
            },
            other => other,
        };
        let path = self.survey.path(source, scope);
        path.is_some_and(|path| (self.context.doubles_percent)(&path))
    }

    fn wrap(
        &mut self,
        range: TextRange,
        mode: EngineKind,
        inside: &str,
        behind: &str,
        position: CodePosition,
    ) {
        let (start, end) = (range.start().to_usize(), range.end().to_usize());
        // Several engines may be made of one section.
        if !self.wrapped.insert(start) {
            return;
        }
        self.put(start, format!("{}(", mode.function_name()));
        self.put(end, format!("{inside}){behind}"));
        self.used.insert((mode, position.statement));
    }

    pub(super) fn put(&mut self, at: usize, text: String) {
        self.edits.push(Edit {
            range: at..at,
            text,
        });
    }

    fn section(
        &mut self,
        call: &ExprCall,
        section: &Expr,
        key: &str,
        mode: EngineKind,
        position: CodePosition,
    ) -> Result<(), Problem> {
        let (value, scope) = self.survey.value(section, position.scope);
        // A value that the section is always given before counts, and is the better place.
        if let Expr::Name(name) = section {
            let variable = |scope| self.survey.bindings(&name.id, scope).1;
            let mut stores = self.survey.stores.iter().filter(|store| {
                store.name == name.id.as_str()
                    && store.key == key
                    && variable(store.position.scope) == variable(position.scope)
            });
            if let Some(first) = stores.next() {
                let last = stores.next_back().unwrap_or(first);
                let is_before = if last.position.scope == position.scope {
                    last.value.end() < call.start()
                } else {
                    last.position.scope == MODULE && position.is_after(last.position)
                };
                if is_before && last.position.always {
                    self.url(last.value, mode, last.position);
                    return Ok(());
                }
                return self.add_url(call, &format!("{}[\"{key}\"]", name.id), mode, position);
            }
        }
        if let Expr::Dict(items) = value {
            let own = items.iter().rev().find_map(|item| match &item.key {
                Some(Expr::StringLiteral(text)) if text.value.to_str() == key => Some(&item.value),
                _ => None,
            });
            let Some(url) = own else {
                let reason = format!("the section that is made here has no `{key}` of its own");
                return Err(Problem::at(value.start(), reason));
            };
            self.url(url, mode, CodePosition { scope, ..position });
            return Ok(());
        }
        let of_ini = read_of_section(value);
        if let Some((_, part)) = of_ini
            && key == "sqlalchemy.url"
            && !self.survey.changes_in_place(section)
        {
            let origin = UrlOrigin::Ini {
                main: is_main_section(part),
            };
            if self.is_fine(&origin, mode, position) {
                return Ok(());
            }
        }
        let url = match (section, of_ini) {
            (Expr::Call(_), Some((owner, part))) => {
                let owner = &self.text[owner.range()];
                if is_main_section(part) {
                    format!("{owner}.get_main_option(\"{key}\")")
                } else {
                    let part = &self.text[part.range()];
                    format!("{owner}.get_section_option({part}, \"{key}\")")
                }
            }
            (Expr::Name(_) | Expr::Attribute(_) | Expr::Subscript(_), _) => {
                format!("{}[\"{key}\"]", &self.text[section.range()])
            }
            _ => {
                let reason = "the section that the engine is made of is computed in place: give it a name first";
                return Err(Problem::at(section.start(), reason));
            }
        };
        self.add_url(call, &url, mode, position)
    }
}

/// Whether `.replace(…)` can be written right behind an expression.
fn can_have_a_method(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::Attribute(_)
            | Expr::Call(_)
            | Expr::Name(_)
            | Expr::StringLiteral(_)
            | Expr::Subscript(_)
    )
}

/// The owner and the section of `config.get_section(section)`, also behind `or {}` and inside `dict(…)`.
fn read_of_section(value: &Expr) -> Option<(&Expr, &Expr)> {
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
            read_of_section(call.arguments.args.first()?)
        }
        Expr::Attribute(method) if method.attr.as_str() == "get_section" => {
            let part = call.arguments.find_argument_value("name", 0)?;
            let simple = matches!(
                part,
                Expr::Name(_) | Expr::Attribute(_) | Expr::StringLiteral(_)
            );
            simple.then_some((&*method.value, part))
        }
        _ => None,
    }
}
