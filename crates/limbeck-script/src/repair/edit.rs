//! The edits that wrap each URL where it is handed on, and put the function in that they call.

use std::collections::BTreeSet;

use ruff_python_ast::token::Tokens;
use ruff_python_ast::{Expr, ExprCall, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::names::{Origin, is_main_section, without_doubling};
use super::sinks::{Kind, Sink};
use super::survey::{MODULE, Site, Survey};
use super::{Edit, Knowledge, Mode, Problem, Reason};

/// What was found.
pub(super) enum Found {
    Edits(Vec<Edit>),
    Nothing(Reason),
}

/// Applies edits, which stand in the order of the text and don't overlap.
pub fn apply(source: &str, edits: &[Edit]) -> String {
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
    knowledge: &Knowledge<'_>,
) -> Result<Found, Problem> {
    let sinks = survey.sinks()?;
    if let Some(problem) = survey.imported_connection() {
        return Err(problem);
    }
    let modes: BTreeSet<Mode> = sinks.iter().filter_map(Sink::mode).collect();
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
        knowledge,
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
        return Ok(Found::Nothing(if editor.converted {
            Reason::Converted
        } else {
            Reason::Suits
        }));
    }
    let first_edited = editor.used.iter().map(|(_, statement)| *statement).min();
    for mode in Mode::ALL {
        if editor.used.iter().any(|(used, _)| *used == mode) {
            editor.function(module, mode, first_edited.unwrap_or(0))?;
        }
    }
    let mut edits = editor.edits;
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    Ok(Found::Edits(edits))
}

impl Sink<'_> {
    /// The mode of an engine.
    fn mode(&self) -> Option<Mode> {
        match &self.kind {
            Kind::Engine { mode, .. } | Kind::Section { mode, .. } => Some(*mode),
            Kind::Configure { .. } | Kind::Option { .. } => None,
        }
    }
}

pub(super) struct Editor<'a> {
    pub(super) text: &'a str,
    pub(super) tokens: &'a Tokens,
    pub(super) survey: &'a Survey<'a>,
    knowledge: &'a Knowledge<'a>,
    sinks: &'a [Sink<'a>],
    /// The mode of what makes no connection.
    mode: Mode,
    /// There are engines of both modes.
    mixed: bool,
    edits: Vec<Edit>,
    /// Where what is wrapped begins.
    wrapped: BTreeSet<usize>,
    /// The functions that are called, and the module's statement in which they are.
    pub(super) used: BTreeSet<(Mode, usize)>,
    /// A URL is converted already.
    converted: bool,
}

impl Editor<'_> {
    fn sink(&mut self, sink: &Sink<'_>) -> Result<(), Problem> {
        let site = sink.site;
        match &sink.kind {
            Kind::Engine { url, mode } => self.url(url, *mode, site),
            Kind::Configure { url } => self.url(url, self.mode, site),
            // It may be read for engines of both modes, which then convert it themselves.
            Kind::Option { .. } if self.mixed => {}
            Kind::Option { url, .. } => self.option(url, site),
            Kind::Section {
                call,
                section,
                key,
                mode,
            } => self.section(call, section, key, *mode, site)?,
        }
        Ok(())
    }

    /// Whether a URL of this origin can be handed on as it is.
    fn is_fine(&mut self, origin: &Origin, mode: Mode, site: Site) -> bool {
        match origin {
            Origin::Nothing => true,
            Origin::Converted => {
                self.converted = true;
                true
            }
            Origin::Literal(url) => (self.knowledge.suits)(url, mode),
            Origin::Ini { main } => {
                *main && self.is_set_before(site)
                    || !self.survey.changes_options() && (self.knowledge.configuration_suits)(mode)
            }
            Origin::Elsewhere => false,
        }
    }

    /// Whether the configuration's URL has always been replaced by a converted one before.
    fn is_set_before(&self, site: Site) -> bool {
        !self.mixed
            && self.sinks.iter().any(|sink| {
                matches!(sink.kind, Kind::Option { main: true, .. })
                    && sink.site.scope == MODULE
                    && sink.site.always
                    && site.is_after(sink.site)
            })
    }

    fn url(&mut self, url: &Expr, mode: Mode, site: Site) {
        let origin = self.survey.origin(url, site.scope);
        if !self.is_fine(&origin, mode, site) {
            self.wrap(url.range(), mode, "", "", site);
        }
    }

    /// A value of the configuration, in which each `%` is written twice.
    fn option(&mut self, url: &Expr, site: Site) {
        let origin = self.survey.origin(url, site.scope);
        if self.is_fine(&origin, self.mode, site) {
            return;
        }
        if let Some(inner) = without_doubling(url) {
            self.wrap(inner.range(), self.mode, "", "", site);
        } else if can_have_a_method(url)
            && (self.survey.doubles(url, site.scope) || self.comes_doubled(url, site))
        {
            let undone = ".replace(\"%%\", \"%\")";
            self.wrap(
                url.range(),
                self.mode,
                undone,
                ".replace(\"%\", \"%%\")",
                site,
            );
        } else {
            self.wrap(url.range(), self.mode, "", ".replace(\"%\", \"%%\")", site);
        }
    }

    /// Whether a URL comes from a module that writes each `%` twice. Where it does so for others only, taking that
    /// back changes nothing: a URL in which all is encoded has no `%%`.
    fn comes_doubled(&self, url: &Expr, site: Site) -> bool {
        let (value, scope) = self.survey.value(url, site.scope);
        let source = match value {
            Expr::Call(call) => match call.arguments.args.first() {
                // `str(settings.url)`
                Some(inner) if self.survey.path(&call.func, scope).is_none() => inner,
                _ => &*call.func,
            },
            other => other,
        };
        let path = self.survey.path(source, scope);
        path.is_some_and(|path| (self.knowledge.doubles_percent)(&path))
    }

    fn wrap(&mut self, range: TextRange, mode: Mode, inside: &str, behind: &str, site: Site) {
        let (start, end) = (range.start().to_usize(), range.end().to_usize());
        // Several engines may be made of one section.
        if !self.wrapped.insert(start) {
            return;
        }
        self.put(start, format!("{}(", mode.function()));
        self.put(end, format!("{inside}){behind}"));
        self.used.insert((mode, site.statement));
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
        mode: Mode,
        site: Site,
    ) -> Result<(), Problem> {
        let (value, scope) = self.survey.value(section, site.scope);
        // A value that the section is always given before counts, and is the better place.
        if let Expr::Name(name) = section {
            let variable = |scope| self.survey.bindings(&name.id, scope).1;
            let mut stores = self.survey.stores.iter().filter(|store| {
                store.name == name.id.as_str()
                    && store.key == key
                    && variable(store.site.scope) == variable(site.scope)
            });
            if let Some(first) = stores.next() {
                let last = stores.next_back().unwrap_or(first);
                let is_before = if last.site.scope == site.scope {
                    last.value.end() < call.start()
                } else {
                    last.site.scope == MODULE && site.is_after(last.site)
                };
                if is_before && last.site.always {
                    self.url(last.value, mode, last.site);
                    return Ok(());
                }
                return self.add_url(call, &format!("{}[\"{key}\"]", name.id), mode, site);
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
            self.url(url, mode, Site { scope, ..site });
            return Ok(());
        }
        let of_ini = read_of_section(value);
        if let Some((_, part)) = of_ini
            && key == "sqlalchemy.url"
            && !self.survey.changes_in_place(section)
        {
            let origin = Origin::Ini {
                main: is_main_section(part),
            };
            if self.is_fine(&origin, mode, site) {
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
        self.add_url(call, &url, mode, site)
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
