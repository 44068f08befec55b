//! Real Alembic as a long-running process that runs one command after another.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use limbeck_testkit::{CommandOutput, Sandbox, reference_python};
use serde_json::{Map, Value, json};

/// The running process. It exits when its standard input closes.
pub(crate) struct Oracle {
    child: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    pub(crate) fn start(sandbox: &Sandbox) -> Self {
        let python = reference_python();
        let mut child = sandbox
            .command(&python, Some(&python))
            .args(["-I", "-c", include_str!("oracle.py")])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the reference interpreter starts");
        Self {
            requests: child.stdin.take(),
            answers: BufReader::new(child.stdout.take().expect("a pipe")),
            child,
        }
    }

    /// Runs Alembic with the folder and environment of `command`.
    pub(crate) fn alembic(&mut self, command: &Command, arguments: &[String]) -> CommandOutput {
        self.ask(command, None, arguments, None)
    }

    /// Runs a program in a terminal of this width.
    pub(crate) fn in_terminal(
        &mut self,
        command: &Command,
        arguments: &[String],
        columns: u16,
    ) -> CommandOutput {
        let program = Path::new(command.get_program());
        self.ask(command, Some(program), arguments, Some(columns))
    }

    fn ask(
        &mut self,
        command: &Command,
        program: Option<&Path>,
        arguments: &[String],
        columns: Option<u16>,
    ) -> CommandOutput {
        let environment: Map<String, Value> = command
            .get_envs()
            .filter_map(|(name, value)| Some((name.to_str()?.into(), value?.to_str()?.into())))
            .collect();
        let request = json!({
            "program": program, "arguments": arguments, "folder": command.get_current_dir(),
            "environment": environment, "columns": columns,
        });
        let requests = self.requests.as_mut().expect("the oracle runs");
        writeln!(requests, "{request}").expect("the oracle listens");
        let mut line = String::new();
        self.answers
            .read_line(&mut line)
            .expect("the oracle answers");
        let answer: Value = serde_json::from_str(&line).expect("an answer in JSON");
        let text = |key: &str| answer[key].as_str().expect("a text").to_owned();
        CommandOutput {
            status: i32::try_from(answer["status"].as_i64().expect("a status")).expect("small"),
            stdout: text("stdout"),
            stderr: text("stderr"),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.requests.take());
        let _ = self.child.wait();
    }
}
