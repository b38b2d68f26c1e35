//! `dsql-sim serve`: an HTTP server for AWS SDK clients.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process;
use std::time::Duration;

use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;

use crate::console::files;
use crate::scenario::{PrincipalOptions, Scenario, SetUp};
use crate::server::{self, AccessRules, Limits, MOST_SPEED, Pace, ServerEnd, ServerOptions, StartError};
use crate::types::Account;

use super::results::named;
use super::{Level, counted, exit, show, stream};

/// The arguments of `serve`.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct ServeArguments {
    /// The port to listen on; 0 picks a free one. The default is 4566, or a free port if that one is taken.
    #[arg(long)]
    port: Option<u16>,
    /// The address to listen on. Every client that reaches it may make calls: no signature is checked. An address other
    /// than one of loopback needs --token.
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    listen: IpAddr,
    /// A host name by which clients reach the server, in addition to those of loopback; `*.NAME` stands for all names
    /// below NAME. Requests to other names are refused, because they may come from a web page. May be repeated.
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// The token that the control interface (/_sim/) demands, as in `Authorization: Bearer TOKEN`.
    #[arg(long, env = "DSQL_SIM_TOKEN", hide_env_values = true, value_parser = NonEmptyStringValueParser::new())]
    token: Option<String>,
    /// The account of clients whose access key id names neither an account nor a principal.
    #[arg(long, value_name = "DIGITS", default_value_t = Account::DEFAULT, value_parser = parse_account)]
    account: Account,
    /// The clock of the simulation. `wall`: virtual time passes with the wall clock. `stepped`: it stands still, except
    /// while a call is under way and while /_sim/advance moves it; the same requests in the same order then have the
    /// same answers.
    #[arg(long, value_enum, default_value_t = ClockKind::Wall)]
    clock: ClockKind,
    /// The virtual time that clients wait for an answer, after which the connection of a lost one is closed. The header
    /// x-dsql-sim-client-timeout of a request overrides it.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = server::client_timeout)]
    client_timeout: Duration,
    /// How many virtual seconds pass in one second of the wall clock; 1 if it is absent.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=i64::from(MOST_SPEED)))]
    speed: Option<u32>,
    /// Statuses settle at once: sets the switches for the times of statuses (create_time and the others) to 0s.
    #[arg(long)]
    instant: bool,
    /// The seed of every random draw; by default the scenario's own, or 0.
    #[arg(long, env = "DSQL_SIM_SEED")]
    seed: Option<u64>,
    /// A scenario file whose set-up, calls and faults run before the first client connects.
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// A file of `principal` commands of the scenario language, each with an access key id (`access-key=`), by which
    /// clients are recognised. Clients with other access key ids may do everything.
    #[arg(long, value_name = "FILE")]
    principals: Option<PathBuf>,
    /// Keeps the storage of the control planes in this directory, and continues with the storage that is there.
    #[arg(long, value_name = "DIR", conflicts_with = "record")]
    data_dir: Option<PathBuf>,
    /// Records the calls of the clients to this file as a scenario, which is complete when the server stops. Until then
    /// it is FILE.partial, which replays as well.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How much of the trace /_sim/trace returns.
    #[arg(long, value_enum, default_value_t = Level::Milestones)]
    trace: Level,
    /// The memory for what lives, in MiB, at 1 KiB a cluster: clusters with their tags, policies and streams, and the
    /// client tokens that are remembered. Beyond it, calls that would add something are refused.
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = clap::value_parser!(u32).range(1..))]
    memory: u32,
    /// The time limit, in seconds, for an idle connection, for the head of a request, and for its body.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3600))]
    timeout: u32,
    /// Stops when standard input ends. A program that starts the server with a pipe there leaves none behind, however
    /// the program ends.
    #[arg(long)]
    until_stdin_closes: bool,
    /// Writes the URL to this file once clients can connect.
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// The clock of a served world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClockKind {
    Wall,
    Stepped,
}

/// Serves until a signal stops it, and returns the exit code.
pub(super) fn serve(arguments: &ServeArguments) -> io::Result<u8> {
    let options = match options(arguments) {
        Ok(options) => options,
        Err(message) => {
            write!(stream::stderr(), "{message}")?;
            return Ok(exit::BAD_INPUT);
        }
    };
    let ended = match server::serve(&options, |address| ready(arguments, address)) {
        Ok(ended) => ended,
        Err(StartError::Io(error)) => return Err(error),
        Err(refused) => {
            writeln!(stream::stderr(), "error: {refused}")?;
            let was_served = matches!(refused, StartError::Kept(_) | StartError::NotRecorded(_));
            return Ok(if was_served { exit::NOT_WRITTEN } else { exit::BAD_INPUT });
        }
    };
    Ok(report(&ended, arguments.record.as_deref()))
}

/// Prints the result, and returns the exit code.
fn report(ended: &ServerEnd, record: Option<&Path>) -> u8 {
    let violations = ended.violations.len();
    let code = if violations == 0 { exit::PASS } else { exit::FAILED };
    let counts = (counted(ended.events, "event"), counted(violations as u64, "violation"));
    let mut text = format!("{}, hash {:016x}, {}\n", counts.0, ended.hash, counts.1);
    if let Some(path) = record {
        text.push_str(&format!("replay: dsql-sim run {}\n", path.display()));
    }
    // The code says what held, even if the rest cannot be written.
    if let Err(error) = stream::stdout().write_all(text.as_bytes()) {
        let _ = writeln!(stream::stderr(), "error: {error}");
    }
    code
}

/// The configuration of the server, with the files that the arguments name.
fn options(arguments: &ServeArguments) -> Result<ServerOptions, String> {
    let pace = match (arguments.clock, arguments.speed) {
        (ClockKind::Wall, speed) => Pace::Wall { speed: speed.unwrap_or(1) },
        (ClockKind::Stepped, None) => Pace::Stepped,
        (ClockKind::Stepped, Some(_)) => return Err(SPEED_OF_STEPS.to_owned()),
    };
    let mut scenario = match &arguments.scenario {
        None => Scenario::of(SetUp::new(), Vec::new()),
        Some(path) => files::read_one(path, show::has_colour())?.scenario,
    };
    let principals = match &arguments.principals {
        None => Vec::new(),
        Some(path) => read_principals(path, &scenario.set_up)?,
    };
    if arguments.instant {
        scenario.set_up.assumptions.settle_at_once();
    }
    if let Some(seed) = arguments.seed {
        scenario.set_up.seed = seed;
    }
    Ok(ServerOptions {
        address: SocketAddr::new(arguments.listen, arguments.port.unwrap_or(DEFAULT_PORT)),
        may_take_other_port: arguments.port.is_none(),
        access: AccessRules { hosts: arguments.allow_host.clone(), token: arguments.token.clone() },
        account: arguments.account,
        pace,
        client_timeout: arguments.client_timeout,
        scenario,
        principals,
        record: arguments.record.clone(),
        trace: arguments.trace.level(),
        data: arguments.data_dir.clone(),
        ends_with_input: arguments.until_stdin_closes,
        limits: Limits {
            memory: arguments.memory as usize * (1 << 20),
            patience: Duration::from_secs(u64::from(arguments.timeout)),
            ..Limits::DEFAULT
        },
    })
}

/// The principals of a file, which must differ from those of `set_up`.
fn read_principals(path: &Path, set_up: &SetUp) -> Result<Vec<PrincipalOptions>, String> {
    let file = files::read_one(path, show::has_colour())?;
    let refuse = |why: String| Err(format!("error: {}: {why}\n", path.display()));
    let commands = file.scenario.script.blocks.iter().flat_map(|block| &block.commands);
    if let Some(other) = commands.map(|command| &command.verb.text).find(|verb| *verb != "principal") {
        return refuse(format!("unexpected `{other}`: a file of principals has `principal` commands only"));
    }
    let principals = file.scenario.set_up.principals;
    for principal in &principals {
        let Some(key) = &principal.access_key else {
            return refuse(format!(
                "principal `{}` needs `access-key=`, by which its clients are recognised",
                principal.name
            ));
        };
        let is_taken =
            |known: &PrincipalOptions| known.name == principal.name || known.access_key.as_ref() == Some(key);
        if set_up.principals.iter().any(is_taken) {
            return refuse(format!(
                "the scenario already has a principal `{}`, or one with its access key id",
                principal.name
            ));
        }
    }
    Ok(principals)
}

/// Announces the server: first in the ready file, then on standard output, whose last line is `Ready.`.
fn ready(arguments: &ServeArguments, address: SocketAddr) -> io::Result<()> {
    let url = client_url(address);
    if let Some(path) = &arguments.ready_file {
        write_whole(path, &format!("{url}\n"))?;
    }
    let mut out = stream::stdout();
    writeln!(out, "dsql-sim is ready at {url}")?;
    writeln!(out, "export AWS_ENDPOINT_URL_DSQL={url}")?;
    writeln!(out, "Ready.")?;
    out.flush()
}

/// The URL of the server for clients on this machine, who cannot connect to an unspecified address everywhere.
fn client_url(address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => format!("http://{}:{}", Ipv4Addr::LOCALHOST, address.port()),
        IpAddr::V6(ip) if ip.is_unspecified() => {
            format!("http://[{}]:{}", Ipv6Addr::LOCALHOST, address.port())
        }
        _ => format!("http://{address}"),
    }
}

/// Writes a file whose reader never sees half of it: a new file is renamed to its name.
fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.{}", process::id()));
    // No file of that name is overwritten, even one of another program.
    let mut file = File::create_new(&part).map_err(|error| named(&part, &error))?;
    let written = file.write_all(text.as_bytes()).and_then(|()| fs::rename(&part, path));
    written.map_err(|error| {
        // The error that is reported is the first; the rest of a file that cannot be removed does no harm.
        let _ = fs::remove_file(&part);
        named(path, &error)
    })
}

fn parse_account(text: &str) -> Result<Account, String> {
    Account::parse(text).ok_or_else(|| "an account is twelve digits".to_owned())
}

const SPEED_OF_STEPS: &str = "\
error: `--speed` is the speed of the wall clock, and `--clock stepped` has none: virtual time stands still between \
calls. To proceed, leave out one of them
";

/// The port of well-known stand-ins for AWS, to which many tools point already.
const DEFAULT_PORT: u16 = 4566;
