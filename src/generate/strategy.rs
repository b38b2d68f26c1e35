//! `proptest` strategies for scenarios and their parts.
//!
//! A scenario is drawn as a seed, and proptest does not shrink it: call [`Shrinker`](crate::shrink::Shrinker), or use
//! [`property`](crate::property), which does. The smaller values (Regions, identifiers, ARNs, client tokens, requests)
//! shrink like proptest's own.

use std::ops::RangeInclusive;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;
use serde_json::{Map, Value};
use strum::VariantArray;

use crate::api::{MemberKind, Operation, Request};
use crate::region::Region;
use crate::scenario::{Action, Scenario};
use crate::sim::fault::FaultKind;
use crate::types::{Account, ClientToken, ClusterArn, Identifier};

use super::draws::Draws;
use super::{Plan, Size, SwarmFeatures, Topology, faults, generate};

/// Scenarios of a size.
pub fn scenarios(size: Size) -> impl Strategy<Value = Scenario> {
    any::<u64>().no_shrink().prop_map(move |seed| generate(seed, &size))
}

/// Fault plans: `count` faults, each with the fault that ends it, for a pair of clusters in `regions` with a witness
/// and the first `clients` clients of the scenario. Every kind of fault is possible.
pub fn fault_plans(
    regions: [Region; 2],
    witness: Region,
    clients: usize,
    count: RangeInclusive<usize>,
) -> impl Strategy<Value = Vec<Action>> {
    let fault = move |seed: u64| {
        let draws = Draws::new(seed);
        let swarm = SwarmFeatures { faults: FaultKind::VARIANTS.to_vec(), ..SwarmFeatures::draw(draws) };
        let set = vec![regions[0], regions[1], witness];
        let topology = Topology { regions, witness, others: Vec::new(), set };
        faults::draw(draws, &Plan { topology, swarm, clients })
    };
    vec(any::<u64>().no_shrink().prop_map(fault), count).prop_map(|plan| plan.concat())
}

/// The Regions in which DSQL exists.
pub fn regions() -> impl Strategy<Value = Region> {
    select(Region::all().collect::<Vec<_>>())
}

/// Identifiers of clusters and streams.
pub fn identifiers() -> impl Strategy<Value = Identifier> {
    any::<[u64; 2]>().prop_map(Identifier::new)
}

/// ARNs of clusters, in any account and any Region in which DSQL exists.
pub fn arns() -> impl Strategy<Value = ClusterArn> {
    let account = "[0-9]{12}".prop_filter_map("an account", |digits| Account::parse(&digits));
    (regions(), account, identifiers()).prop_map(|(region, account, identifier)| ClusterArn {
        region,
        account,
        identifier,
    })
}

/// Valid client tokens: UUIDs as SDKs generate them, and other texts of 1 to 128 printable ASCII characters.
pub fn client_tokens() -> impl Strategy<Value = ClientToken> {
    prop_oneof![
        any::<[u64; 2]>().prop_map(ClientToken::random),
        "[!-~]{1,128}".prop_map(|text| ClientToken::from(&*text)),
    ]
}

/// Requests of any operation, with any subset of their members. Values have the right type; they may be invalid.
pub fn requests() -> impl Strategy<Value = Request> {
    select(Operation::ALL).prop_flat_map(|operation| {
        let input = input("", &operation.input());
        input.prop_map(move |input| Request::from_json(operation, input).expect("members are of their types"))
    })
}

/// Values of the member `name` of an input.
fn input(name: &str, kind: &MemberKind) -> BoxedStrategy<Value> {
    match kind {
        MemberKind::Text => {
            prop_oneof![3 => plausible(name), 1 => any::<String>().boxed()].prop_map(Value::from).boxed()
        }
        MemberKind::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        // An Integer of the API model has 32 bits.
        MemberKind::Integer => prop_oneof![1..=100_i32, any::<i32>()].prop_map(Value::from).boxed(),
        MemberKind::TextMap => btree_map("[a-zA-Z0-9:]{0,20}", any::<String>(), 0..4)
            .prop_map(|map| map.into_iter().map(|(key, value)| (key, Value::from(value))).collect())
            .prop_map(Value::Object)
            .boxed(),
        MemberKind::List(of) => vec(input(name, of), 0..4).prop_map(Value::from).boxed(),
        MemberKind::Structure(members) => {
            let member =
                |(name, kind): &(String, MemberKind)| (Just(name.clone()), option::of(input(name, kind)));
            let members: Vec<_> = members.iter().map(member).collect();
            let given = |members: Vec<(String, Option<Value>)>| {
                members.into_iter().filter_map(|(name, value)| Some((name, value?))).collect::<Map<_, _>>()
            };
            members.prop_map(given).prop_map(Value::Object).boxed()
        }
    }
}

/// Valid values, or nearly so, of the text member `name`.
fn plausible(name: &str) -> BoxedStrategy<String> {
    match name {
        "identifier" | "clusterIdentifier" | "streamIdentifier" => {
            identifiers().prop_map(|identifier| identifier.to_string()).boxed()
        }
        "clusters" | "resourceArn" => arns().prop_map(|arn| arn.to_string()).boxed(),
        "clientToken" => "[!-~]{1,128}".boxed(),
        "witnessRegion" => regions().prop_map(|region| region.to_string()).boxed(),
        _ => "[ -~]{0,40}".boxed(),
    }
}
