//! Messages on standard error: an error, notes, and help.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Group, Level, Renderer};

use crate::output::redact::redact;

/// A message for standard error: an error, notes, and help.
#[derive(Debug, Default)]
pub(crate) struct Message {
    pub(crate) headline: String,
    /// Facts about the error, a line each.
    pub(crate) notes: Vec<String>,
    /// Next steps, a line each.
    pub(crate) help: Vec<String>,
}

impl Message {
    pub(crate) fn new(headline: impl Into<String>) -> Self {
        Self {
            headline: headline.into(),
            ..Self::default()
        }
    }

    /// Builds a message from an error and its causes, without causes that the headline already contains.
    pub(crate) fn from_error(error: &dyn std::error::Error) -> Self {
        let mut message = Self::new(error.to_string());
        let mut cause = error.source();
        while let Some(error) = cause {
            let text = error.to_string();
            if !message.headline.contains(&text) {
                message.notes.push(text);
            }
            cause = error.source();
        }
        message
    }

    pub(crate) fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    pub(crate) fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    pub(crate) fn print(&self) {
        let title = Group::with_title(Level::ERROR.primary_title(self.headline.as_str()));
        print_groups(&[add_lines(title, &self.notes, &self.help)]);
    }
}

/// Adds notes and help to a group.
pub(crate) fn add_lines<'a>(
    mut group: Group<'a>,
    notes: &'a [String],
    help: &'a [String],
) -> Group<'a> {
    for note in notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for text in help {
        group = group.element(Level::HELP.message(text.as_str()));
    }
    group
}

/// Renders groups to standard error, without their secrets.
pub(crate) fn print_groups(groups: &[Group<'_>]) {
    let renderer = Renderer::styled().decor_style(DecorStyle::Ascii);
    anstream::eprintln!("{}", redact(&renderer.render(groups)));
}
