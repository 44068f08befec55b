//! Inserts text into an `env.py`: an argument of a call, and the function that converts URLs.

use ruff_python_ast::token::TokenKind;
use ruff_python_ast::{ExprCall, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::edit::Editor;
use super::layout::{self, InsertPosition};
use super::{EngineKind, MARKER, Problem};
use crate::syntax::{Binding, CodePosition, MODULE};

impl Editor<'_> {
    /// Adds `url=…` after a call's last argument, on its own line if the other arguments have their own lines.
    pub(super) fn add_url_argument(
        &mut self,
        call: &ExprCall,
        url: &str,
        engine: EngineKind,
        position: CodePosition,
    ) -> Result<(), Problem> {
        let close = call.arguments.end() - TextSize::new(1);
        let inner = TextRange::new(call.arguments.start() + TextSize::new(1), close);
        let is_significant =
            |kind: TokenKind| !matches!(kind, TokenKind::Comment | TokenKind::NonLogicalNewline);
        let mut tokens = self.tokens.in_range(inner).iter().rev();
        let Some(last) = tokens.find(|token| is_significant(token.kind())) else {
            return Err(Problem::at(call.start(), "the engine has no arguments"));
        };
        let has_comma = last.kind() == TokenKind::Comma;
        let argument = format!("url={}({url})", engine.function_name());
        let last_argument = call.arguments.iter_source_order().last();
        let argument_start = last_argument.map_or(last.start(), |argument| argument.start());
        let (argument_start, close) = (argument_start.to_usize(), close.to_usize());
        let last_end = last.end().to_usize();
        let line_end = layout::line_end(self.text, last_end);
        if line_end < close || layout::is_first_on_line(self.text, argument_start) {
            let indentation = layout::indentation(self.text, argument_start);
            let line = format!("{}{indentation}{argument}", layout::line_ending(self.text));
            if has_comma {
                self.insert(line_end.min(close), format!("{line},"));
            } else if line_end < close {
                self.insert(last_end, ",".into());
                self.insert(line_end, line);
            } else {
                self.insert(last_end, format!(",{line}"));
            }
        } else if has_comma {
            self.insert(last_end, format!(" {argument},"));
        } else {
            self.insert(last_end, format!(", {argument}"));
        }
        self.calls.insert((engine, position.statement));
        Ok(())
    }

    /// Inserts the function that converts URLs above the module's statement `before`, unless the file has it.
    pub(super) fn insert_function(
        &mut self,
        module: &[Stmt],
        engine: EngineKind,
        before: usize,
    ) -> Result<(), Problem> {
        let name = engine.function_name();
        let (bindings, _) = self.index.bindings(name, MODULE);
        if !bindings.is_empty() {
            let is_from_limbeck = |binding: &Binding<'_>| matches!(binding, Binding::Import(path) if path.starts_with("limbeck."));
            let marker = format!("{MARKER}{}", &name["ensure_".len()..]);
            if self.text.contains(&marker) || bindings.iter().all(is_from_limbeck) {
                return Ok(());
            }
            let offset = self.text.find(name).unwrap_or(0);
            let offset = TextSize::try_from(offset).unwrap_or_default();
            let reason = format!(
                "the file already defines another `{name}`, and doesn't convert all URLs with it"
            );
            return Err(Problem::at(offset, reason));
        }
        let lines = self.snippet_lines(engine);
        let end = layout::line_ending(self.text);
        match layout::position_for_function(self.text, module, before) {
            Some(InsertPosition::AfterLine(offset)) => {
                // Blank lines that follow already count towards the two below the function.
                let blank_lines = self.text[offset..]
                    .split_inclusive(end)
                    .skip(1)
                    .take_while(|line| line.trim().is_empty())
                    .count();
                let more = end.repeat(2_usize.saturating_sub(blank_lines));
                let lines = lines.strip_suffix(end).unwrap_or(&lines);
                self.insert(offset, format!("{end}{end}{end}{lines}{more}"));
            }
            Some(InsertPosition::Start) => self.insert(0, format!("{lines}{end}{end}")),
            None => {
                let reason = "an import and the code that uses the URL are on one line: \
                              put each on its own line";
                return Err(Problem::at(module[before].start(), reason));
            }
        }
        Ok(())
    }

    /// Returns the snippet with the line ending and the indentation of the file.
    fn snippet_lines(&self, engine: EngineKind) -> String {
        let end = layout::line_ending(self.text);
        let mut lines = String::new();
        for line in engine.snippet().trim_end().lines() {
            let code = line.trim_start_matches(' ');
            if layout::uses_tabs(self.text) {
                lines += &"\t".repeat((line.len() - code.len()) / 4);
                lines += code;
            } else {
                lines += line;
            }
            lines += end;
        }
        lines
    }
}
