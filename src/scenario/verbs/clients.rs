//! `clients`: the callers.

use std::net::Ipv4Addr;
use std::sync::Arc;

use super::{Chapter, VerbEntry, VerbReader, principal};
use crate::iam::{NetworkOrigin, VpcEndpoint};
use crate::scenario::SetUp;
use crate::scenario::arguments::Arguments;
use crate::scenario::diagnostic::{Diagnostic, Parsed, did_you_mean};
use crate::scenario::script::{Command, Word};
use crate::scenario::write::Writer;
use crate::sim::client::ClientOptions;
use crate::types::{Account, ClientId, PrincipalId};

pub(super) const CLIENTS: VerbEntry = VerbEntry {
    name: "clients",
    chapter: Chapter::SetUp,
    usage: "clients NAME... [home=REGION] [account=DIGITS] [principal=NAME] [source-ip=ADDRESS] [vpc=ID vpce=ID] \
            [user-agent=TEXT]",
    meaning: "\
Declares clients. `home` is the Region in which they run, for the latency of their messages (us-east-1 by default);
`account` is their AWS account (111122223333 by default); `principal` is the principal as which they run, whose
account is theirs then. `source-ip` is the address from which they call (198.51.100.1 by default); with `vpce` and
`vpc` they call through this VPC endpoint of this VPC, and the address is the one inside the VPC. `user-agent` is the
name of their program. Policies see these as `aws:SourceIp`, `aws:SourceVpce`, `aws:SourceVpc`, `aws:VpcSourceIp` and
`aws:UserAgent`. Without this verb there is one client, `ops`. Clients may also be declared later, before their
first call; `dsql-sim serve --record` does so.",
    example: "clients ops ci home=use1",
    reader: VerbReader::SetUp { read, write },
};

fn read(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    declare(set_up, arguments, false)
}

/// Declares clients behind the set-up. One that is declared already is described anew: in a recording, a fault may name
/// a client before its first call.
pub(in crate::scenario) fn declare_later(set_up: &mut SetUp, arguments: &mut Arguments<'_>) -> Parsed<()> {
    declare(set_up, arguments, true)
}

fn declare(set_up: &mut SetUp, arguments: &mut Arguments<'_>, may_replace: bool) -> Parsed<()> {
    let home = arguments.option("home");
    let home = home.map_or_else(|| Ok(ClientOptions::default().home), |word| set_up.region(word))?;
    let account = arguments.option("account").map(read_account).transpose()?;
    let (principal, account) = owner(set_up, arguments.option("principal"), account)?;
    let origin = Arc::new(read_origin(arguments)?);
    for word in arguments.words("the name of a client")? {
        let origin = origin.clone();
        let client = ClientOptions { name: word.text.as_str().into(), account, home, principal, origin };
        match set_up.client_called(&word.text) {
            None => set_up.clients.push(client),
            Some(known) if may_replace => set_up.clients[known.0 as usize] = client,
            Some(_) => {
                return Err(Diagnostic::new(
                    format!("client `{}` is declared already", word.text),
                    word.span,
                ));
            }
        }
    }
    Ok(())
}

/// The network from which the clients call.
fn read_origin(arguments: &mut Arguments<'_>) -> Parsed<NetworkOrigin> {
    let mut origin = NetworkOrigin::default();
    let address = arguments.option("source-ip");
    if let Some(word) = address {
        origin.address = word.text.parse().map_err(|_| {
            Diagnostic::new(format!("`{}` is not an IP address", word.text), word.span)
                .help("write it as in 192.0.2.1 or 2001:db8::1".to_owned())
        })?;
    }
    origin.endpoint = match (arguments.option("vpce"), arguments.option("vpc")) {
        (None, None) => None,
        (Some(id), Some(vpc)) => {
            if address.is_none() {
                origin.address = PRIVATE_ADDRESS.into();
            }
            Some(VpcEndpoint { id: id.text.as_str().into(), vpc: vpc.text.as_str().into() })
        }
        (Some(word), None) | (None, Some(word)) => {
            return Err(Diagnostic::new("`vpce=` and `vpc=` go together", word.span).help(
                "requests name the VPC of the endpoint that they come through, and no other".to_owned(),
            ));
        }
    };
    if let Some(word) = arguments.option("user-agent") {
        origin.user_agent = word.text.clone().into();
    }
    Ok(origin)
}

/// The address in a VPC of clients that do not have one of their own.
const PRIVATE_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

pub(super) fn read_account(word: &Word) -> Parsed<Account> {
    Account::parse(&word.text).ok_or_else(|| Diagnostic::new("an account is twelve digits", word.span))
}

/// The principal as which a client runs, if it is one, and the account: the principal's, or the one that is given.
fn owner(
    set_up: &SetUp,
    principal: Option<&Word>,
    account: Option<Account>,
) -> Parsed<(Option<PrincipalId>, Account)> {
    let Some(word) = principal else { return Ok((None, account.unwrap_or(Account::DEFAULT))) };
    let principal = principal::called(set_up, word)?;
    let own = set_up.account_of(principal);
    if account.is_some_and(|account| account != own) {
        let message = format!("principal `{}` belongs to account {own}", word.text);
        return Err(Diagnostic::new(message, word.span).help("leave `account=` out".to_owned()));
    }
    Ok((Some(principal), own))
}

fn write(writer: &mut Writer<'_>) {
    let set_up = writer.set_up;
    if set_up.clients == [ClientOptions::default()] {
        return;
    }
    for client in &set_up.clients {
        write_client(client, writer);
    }
}

/// Writes the command that declares `client`.
pub(in crate::scenario) fn write_client(client: &ClientOptions, writer: &mut Writer<'_>) {
    let set_up = writer.set_up;
    writer.add(format_args!("clients {} home={}", client.name, set_up.region_name(client.home)));
    match client.principal {
        Some(principal) => {
            writer.add(format_args!(" principal={}", set_up.principals[principal.index()].name));
        }
        None if client.account != Account::DEFAULT => {
            writer.add(format_args!(" account={}", client.account));
        }
        None => {}
    }
    let NetworkOrigin { address, endpoint, user_agent } = &*client.origin;
    if *address != NetworkOrigin::DEFAULT.address {
        writer.add(format_args!(" source-ip={address}"));
    }
    if let Some(VpcEndpoint { id, vpc }) = endpoint {
        writer.add(format_args!(" vpc={vpc} vpce={id}"));
    }
    if *user_agent != NetworkOrigin::DEFAULT.user_agent {
        writer.add(format_args!(" user-agent=\"{user_agent}\""));
    }
    writer.add(format_args!("\n"));
}

impl SetUp {
    /// The client that makes the call of `command`.
    pub(super) fn caller(&self, command: &Command) -> Parsed<ClientId> {
        let clients = &self.clients;
        let Some(actor) = &command.actor else {
            if clients.len() == 1 {
                return Ok(ClientId(0));
            }
            let message = "there are several clients: name the one that calls";
            return Err(Diagnostic::new(message, command.verb.span)
                .help(format!("as in `{}: {}`", clients[0].name, command.verb.text)));
        };
        self.client_called(&actor.text).ok_or_else(|| {
            let closest = did_you_mean(&actor.text, clients.iter().map(|client| &*client.name));
            let advice = || Some(format!("declare it first with `clients {}`", actor.text));
            Diagnostic::new(format!("unknown client `{}`", actor.text), actor.span)
                .help(closest.or_else(advice))
        })
    }

    /// The client called `name`.
    pub(in crate::scenario) fn client_called(&self, name: &str) -> Option<ClientId> {
        let index = self.clients.iter().position(|client| *client.name == *name)?;
        Some(ClientId(index as u32))
    }
}
