//! `dsql-sim serve`.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::scenario::{PrincipalOptions, Scenario, SetUp};
use crate::server::{self, Limits, MOST_SPEED, ServerOptions, StartError};

use super::{Level, exit, files, show, stream};

/// The arguments of `serve`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ServeArguments {
    /// The port; 0 picks a free one.
    #[arg(long, default_value_t = 8000)]
    port: u16,
    /// The address to listen at. Whoever reaches it may do everything.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// How many virtual seconds pass in a second.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_SPEED)))]
    speed: u32,
    /// Every random draw is keyed by it; a scenario's own unless said, else 0.
    #[arg(long)]
    seed: Option<u64>,
    /// What has happened before the first client comes: set-up, calls and faults of a scenario file.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Who is who: a file of `principal` commands of the scenario language, each with the access key id of its
    /// principal (`access-key=`). Other access key ids may do everything.
    #[arg(long, value_name = "FILE")]
    principals: Option<PathBuf>,
    /// Keeps what the control planes have in storage in this directory, and goes on with what is there.
    #[arg(long, value_name = "DIR", conflicts_with = "record")]
    data_dir: Option<PathBuf>,
    /// Writes what clients sent as a scenario file, in the end.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How much of what happens /_sim/trace gives.
    #[arg(long, value_enum, default_value_t = Level::Milestones)]
    trace: Level,
    /// How much memory calls that change something may take, in MiB, reckoned at 1 KiB a call; when recording, all
    /// calls. More are refused until a reset.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    memory: u32,
    /// How long, in seconds, a connection may be idle, the head of a request may take, and its body.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600))]
    timeout: u32,
    /// Writes the address to this file once clients can come.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Serves until told to end, and gives the exit code.
pub(super) fn serve(arguments: &ServeArguments) -> io::Result<u8> {
    let mut scenario = match &arguments.scenario {
        None => Scenario::of(SetUp::new(), Vec::new()),
        Some(path) => match files::read_one(path, show::has_colour()) {
            Ok(file) => file.scenario,
            Err(message) => {
                write!(stream::stderr(), "{message}")?;
                return Ok(exit::BAD_INPUT);
            }
        },
    };
    let mut principals = Vec::new();
    if let Some(path) = &arguments.principals {
        match read_principals(path, &scenario.set_up) {
            Ok(known) => principals = known,
            Err(message) => {
                write!(stream::stderr(), "{message}")?;
                return Ok(exit::BAD_INPUT);
            }
        }
    }
    if let Some(seed) = arguments.seed {
        scenario.set_up.seed = seed;
    }
    let options = ServerOptions {
        address: SocketAddr::new(arguments.listen, arguments.port),
        speed: arguments.speed,
        scenario,
        principals,
        records: arguments.record.is_some(),
        trace: arguments.trace.level(),
        data: arguments.data_dir.clone(),
        limits: Limits {
            memory: arguments.memory as usize * (1 << 20),
            patience: Duration::from_secs(u64::from(arguments.timeout)),
            ..Limits::DEFAULT
        },
    };
    // Better to learn now that the file cannot be written.
    if let Some(path) = &arguments.record {
        fs::write(path, "").map_err(|error| named(path, &error))?;
    }
    let ended = match server::serve(&options, |address| ready(arguments, address)) {
        Ok(ended) => ended,
        Err(StartError::Io(error)) => return Err(error),
        Err(refused) => {
            writeln!(stream::stderr(), "error: {refused}")?;
            return Ok(exit::BAD_INPUT);
        }
    };
    let violations = ended.violations.len();
    writeln!(stream::stdout(), "{} events, hash {:016x}, {violations} violations", ended.events, ended.hash)?;
    if let (Some(path), Some(scenario)) = (&arguments.record, &ended.recorded) {
        fs::write(path, scenario.print("Recorded from real clients."))
            .map_err(|error| named(path, &error))?;
        writeln!(stream::stdout(), "replay: dsql-sim run {}", path.display())?;
    }
    Ok(if violations == 0 { exit::PASS } else { exit::FAILED })
}

/// The principals that a file names, beside those of `set_up`.
fn read_principals(path: &Path, set_up: &SetUp) -> Result<Vec<PrincipalOptions>, String> {
    let file = files::read_one(path, show::has_colour())?;
    let wrong = |why: String| Err(format!("error: {}: {why}\n", path.display()));
    let commands = file.scenario.script.blocks.iter().flat_map(|block| &block.commands);
    if let Some(other) = commands.map(|command| &command.verb.text).find(|verb| *verb != "principal") {
        return wrong(format!("`{other}` does not belong here: a file of principals has `principal` alone"));
    }
    let principals = file.scenario.set_up.principals;
    for principal in &principals {
        let Some(key) = &principal.access_key else {
            return wrong(format!(
                "principal `{}` needs `access-key=`, by which clients are it",
                principal.name
            ));
        };
        let is_taken =
            |known: &PrincipalOptions| known.name == principal.name || known.access_key.as_ref() == Some(key);
        if set_up.principals.iter().any(is_taken) {
            return wrong(format!(
                "the scenario has a principal `{}`, or one with its access key id",
                principal.name
            ));
        }
    }
    Ok(principals)
}

fn ready(arguments: &ServeArguments, address: SocketAddr) -> io::Result<()> {
    let mut out = stream::stdout();
    writeln!(out, "dsql-sim is ready at http://{address}")?;
    writeln!(out, "export AWS_ENDPOINT_URL_DSQL=http://{address}")?;
    out.flush()?;
    if let Some(path) = &arguments.ready_file {
        // Whoever waits for the file finds all of it or nothing.
        let part = path.with_extension("part");
        fs::write(&part, format!("http://{address}\n")).map_err(|error| named(&part, &error))?;
        fs::rename(&part, path).map_err(|error| named(path, &error))?;
    }
    Ok(())
}

fn named(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
