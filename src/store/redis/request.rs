use super::scripts::Script;
use redis::{Arg, Cmd, ToRedisArgs};

/// What is asked of a server: a plain command, or a call of a script.
#[derive(Debug)]
pub(super) struct Request {
    command: Cmd,
    script: Option<&'static Script>,
}

impl Request {
    pub(super) fn plain(name: &str) -> Self {
        let mut command = Cmd::new();
        command.arg(name);
        let script = None;
        Self { command, script }
    }

    /// A call of this script on these keys; the arguments are still to be added.
    pub(super) fn script(script: &'static Script, keys: &[&[u8]]) -> Self {
        let mut command = Cmd::with_capacity(keys.len() + 8, keys.len() * 64 + 128);
        command.arg("EVALSHA").arg(script.hash()).arg(keys.len());
        for key in keys {
            command.arg(key);
        }
        let script = Some(script);
        Self { command, script }
    }

    #[must_use]
    pub(super) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.command.arg(argument);
        self
    }

    pub(super) const fn command(&self) -> &Cmd {
        &self.command
    }

    /// The same call for a server that does not know the script yet, and learns it by this.
    pub(super) fn with_text(&self) -> Option<Cmd> {
        let script = self.script?;
        let mut command = Cmd::new();
        command.arg("EVAL").arg(script.text());
        for argument in self.command.args_iter().skip(2) {
            if let Arg::Simple(bytes) = argument {
                command.arg(bytes);
            }
        }
        Some(command)
    }
}
