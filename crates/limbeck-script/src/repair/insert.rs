//! What is put into an `env.py`: an argument of a call, and the function that converts.

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{ExprCall, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::edit::Editor;
use super::layout::InsertPosition;
use super::survey::{Binding, CodePosition, MODULE};
use super::{EngineKind, MARKER, Problem, layout};

impl Editor<'_> {
    /// Adds `url=…` behind a call's last argument, laid out as the others are.
    pub(super) fn add_url(
        &mut self,
        call: &ExprCall,
        url: &str,
        mode: EngineKind,
        position: CodePosition,
    ) -> Result<(), Problem> {
        let close = call.arguments.end() - TextSize::new(1);
        let inner = TextRange::new(call.arguments.start() + TextSize::new(1), close);
        let tokens = self.tokens.in_range(inner);
        let significant =
            |kind: TokenKind| !matches!(kind, TokenKind::Comment | TokenKind::NonLogicalNewline);
        let Some(last) = tokens.iter().rev().find(|token| significant(token.kind())) else {
            return Err(Problem::at(call.start(), "the engine is made of nothing"));
        };
        let has_comma = last.kind() == TokenKind::Comma;
        let argument = format!("url={}({url})", mode.function_name());
        let argument_start = call
            .arguments
            .iter_source_order()
            .last()
            .map_or(last.start(), |argument| argument.start());
        let last_end = last.end().to_usize();
        let line_end = layout::line_end(self.text, last_end);
        // A line of its own, where the others have such.
        if line_end < close.to_usize() || self.starts_line(argument_start) {
            let indentation = layout::indentation(self.text, argument_start.to_usize());
            let new = format!("{}{indentation}{argument}", layout::line_ending(self.text));
            if has_comma {
                self.put(line_end.min(close.to_usize()), format!("{new},"));
            } else if line_end < close.to_usize() {
                self.put(last_end, ",".into());
                self.put(line_end, new);
            } else {
                self.put(last_end, format!(",{new}"));
            }
        } else if has_comma {
            self.put(last_end, format!(" {argument},"));
        } else {
            self.put(last_end, format!(", {argument}"));
        }
        self.used.insert((mode, position.statement));
        Ok(())
    }

    /// Whether nothing but white space is before an argument on its line, so that each has a line.
    fn starts_line(&self, argument: TextSize) -> bool {
        let before = &self.text[..argument.to_usize()];
        let line = before
            .rfind(['\n', '\r'])
            .map_or(before, |end| &before[end + 1..]);
        line.trim().is_empty()
    }

    /// Puts the function in, unless it is there.
    pub(super) fn function(
        &mut self,
        module: &[Stmt],
        mode: EngineKind,
        before: usize,
    ) -> Result<(), Problem> {
        let name = mode.function_name();
        let (bindings, _) = self.survey.bindings(name, MODULE);
        let is_limbecks = |binding: &Binding<'_>| matches!(binding, Binding::Import(path) if path.starts_with("limbeck."));
        if !bindings.is_empty() {
            let start = format!("{MARKER}{}", &name["ensure_".len()..]);
            if self.text.contains(&start) || bindings.iter().all(is_limbecks) {
                return Ok(());
            }
            let at = self.text.find(name).unwrap_or(0);
            let at = TextSize::try_from(at).unwrap_or_default();
            let reason = format!("the name `{name}` is taken, and not all URLs go through it");
            return Err(Problem::at(at, reason));
        }
        let end = layout::line_ending(self.text);
        let mut lines = String::new();
        for line in mode.snippet().trim_end().lines() {
            let indented = line.trim_start_matches(' ');
            let depth = (line.len() - indented.len()) / 4;
            if layout::uses_tabs(self.text) {
                lines += &"\t".repeat(depth);
                lines += indented;
            } else {
                lines += line;
            }
            lines += end;
        }
        match layout::place_for_function(self.text, module, before) {
            Some(InsertPosition::Behind(at)) => {
                // Two blank lines on each side, with those that are there.
                let after = &self.text[at..];
                let blank = after
                    .split_inclusive(end)
                    .skip(1)
                    .take_while(|line| line.trim().is_empty())
                    .count();
                let more = end.repeat(2_usize.saturating_sub(blank));
                let lines = lines.strip_suffix(end).unwrap_or(&lines);
                self.put(at, format!("{end}{end}{end}{lines}{more}"));
            }
            Some(InsertPosition::Start) => self.put(0, format!("{lines}{end}{end}")),
            None => {
                let reason =
                    "an import and what takes the URL stand on one line: give each its own";
                return Err(Problem::at(module[before].start(), reason));
            }
        }
        Ok(())
    }
}
