//! The verbs of the scenario language: their names, what they take and what they mean.
//!
//! One table feeds the reader, `dsql-sim help scenario` and the reference page.

/// The parts of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chapter {
    /// What stands at the beginning of a scenario.
    SetUp,
    /// Calls of the API.
    Calls,
    /// What goes wrong.
    Faults,
    /// How time passes.
    Time,
    /// What must be so.
    Expectations,
}

impl Chapter {
    /// Every chapter, in the order of the reference.
    pub const ALL: [Chapter; 5] =
        [Chapter::SetUp, Chapter::Calls, Chapter::Faults, Chapter::Time, Chapter::Expectations];

    /// The chapter's title.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Chapter::SetUp => "Set-up",
            Chapter::Calls => "Calls",
            Chapter::Faults => "Faults",
            Chapter::Time => "Time",
            Chapter::Expectations => "Expectations",
        }
    }
}

macro_rules! verbs {
    ($(
        $(#[doc = $doc:literal])+
        $variant:ident = $name:literal in $chapter:ident: $usage:literal, $example:literal;
    )+) => {
        /// What a command does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Verb { $($(#[doc = $doc])+ $variant,)+ }

        impl Verb {
            /// Every verb, in the order of the reference.
            pub const ALL: &[Verb] = &[$(Verb::$variant),+];

            /// The word that it is.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Verb::$variant => $name),+ }
            }

            /// What it takes.
            #[must_use]
            pub fn usage(self) -> &'static str {
                match self { $(Verb::$variant => $usage),+ }
            }

            /// What it means: lines of Markdown.
            #[must_use]
            pub fn meaning(self) -> &'static [&'static str] {
                match self { $(Verb::$variant => &[$($doc),+]),+ }
            }

            /// One use of it.
            #[must_use]
            pub fn example(self) -> &'static str {
                match self { $(Verb::$variant => $example),+ }
            }

            /// Where the reference speaks of it.
            #[must_use]
            pub fn chapter(self) -> Chapter {
                match self { $(Verb::$variant => Chapter::$chapter),+ }
            }
        }
    };
}

verbs! {
    /// Sets the seed that every random draw is keyed by. The recorded traces hold for this seed; expectations and
    /// invariants hold for every seed. Without it the seed is 0.
    Seed = "seed" in SetUp: "seed NUMBER", "seed 42";
    /// Gives Regions short names, to be used wherever a Region is meant. Regions need no other introduction.
    Regions = "regions" in SetUp: "regions NAME=REGION...", "regions use1=us-east-1 use2=us-east-2 usw2=us-west-2";
    /// Names callers. `home` is the Region that they run in, for the latency of their messages (us-east-1 unless
    /// said); `account` is whose they are (111122223333 unless said); `principal` is who they run as, and its account
    /// is theirs then. Without this verb there is one client, `ops`.
    Clients = "clients" in SetUp: "clients NAME... [home=REGION] [account=DIGITS] [principal=NAME]",
        "clients ops ci home=use1";
    /// Names a principal: a role, a user, a session of a role, or the root of an account. The AWS JSON that follows on
    /// the next line is a policy attached to it. Say the verb again, without `arn`, for each further policy; with
    /// `boundary` the policy is a permissions boundary, and one of these must allow what is done, too. A principal
    /// without a policy may do nothing, the root of an account everything, and so may a client that runs as nobody.
    /// `access-key` is the access key id with which a real client is this principal (`dsql-sim serve`).
    Principal = "principal" in SetUp: "principal NAME [boundary] [arn=ARN] [access-key=ID]\n{ POLICY }",
        "principal ci arn=arn:aws:iam::111122223333:role/ci\n\
         { \"Statement\": { \"Effect\": \"Allow\", \"Action\": \"dsql:Get*\", \"Resource\": \"*\" } }";
    /// Says how long messages take: `measured` (the default) is half the measured round trip between two AWS
    /// Regions, and up to a tenth more; a range is drawn from for each message, whatever the Regions.
    Latency = "latency" in SetUp: "latency measured | MIN..MAX", "latency 1ms..50ms";
    /// Says how long a write to a node's disk takes. A millisecond unless said.
    Disk = "disk" in SetUp: "disk DURATION", "disk 20ms";
    /// Answers questions that the record of the real service leaves open. The switches are listed in the reference.
    Assume = "assume" in SetUp: "assume SWITCH=VALUE...", "assume token_window=1h multi_region_quota=2";
    /// Plants bugs, to see them caught. `dsql-sim mutants` lists them.
    Mutant = "mutant" in SetUp: "mutant NAME...", "mutant witness-in-own-region";
    /// Says how much of the trace is recorded in this file: `milestones` unless said.
    Trace = "trace" in SetUp: "trace milestones | messages", "trace messages";

    /// Calls an operation of the API, by its AWS CLI name, with the JSON that follows on the next line as its input.
    /// The call behaves as an SDK's does: `attempts` (3) of `timeout` (10s) each, with exponential back-off and one
    /// client token, filled in if the input has none. The block goes on when the call has ended.
    /// `as` names the call, and the cluster that it creates: `$NAME.MEMBER` inside a later string is a member of its
    /// answer.
    /// `after` lets it wait before it begins; `principal` is who calls, if not who the client runs as. With
    /// `if-missing=skip` it is left out if something that it refers to has no value, for instance because the call before
    /// was never answered; otherwise that ends the scenario.
    Call = "create-cluster | get-cluster | tag-resource | put-cluster-policy | create-stream | …" in Calls:
        "[CLIENT:] OPERATION region=REGION [as=NAME] [attempts=N] [timeout=DURATION] [after=DURATION] \
         [principal=NAME] [if-missing=skip]\n{ INPUT }",
        "ops: create-cluster region=use1 as=blue\n{ \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\" } }";
    /// Waits as the SDKs' waiters do: a GetCluster every 2 seconds, 60 times at most. `cluster-active` ends well on
    /// ACTIVE only; `cluster-not-exists` on ResourceNotFoundException only. Its outcome is `ok`, `timed-out`, or
    /// `failed` with the error that ended it.
    Wait = "wait" in Calls: "[CLIENT:] wait cluster-active | cluster-not-exists region=REGION\n{ \"identifier\": ... }",
        "ops: wait cluster-active region=use1\n{ \"identifier\": \"$blue.identifier\" }";
    /// Begins the calls that follow, up to the next command of another kind or the end of the block, together
    /// instead of one after the other. Each can refer to the answer of one that waits less long (`after`) and has
    /// ended by then.
    Parallel = "parallel" in Calls: "parallel", "parallel";

    /// Loses messages. `LINK` is `FROM->TO`, or `ONE<->OTHER` for both directions; an end is a client, a Region
    /// (both of its nodes), `REGION/control-plane`, `REGION/witness`, or `*`. `WHAT` is an operation's name for its
    /// requests, with
    /// `.response` for its answers; `request` or `response` for all of them; or the kind of a message between nodes:
    /// CheckWitness, WitnessChecked, CheckPeer, PeerChecked, Prepare, Promise, Accept, Accepted, Refused.
    /// The rule applies to `times` messages (all, unless said) after the first `skip`, and to each with a chance of
    /// `rate` percent. The first rule that applies to a message decides.
    Drop = "drop" in Faults: "drop LINK [WHAT] [times=N] [skip=N] [rate=PERCENT%]",
        "drop use1->ops CreateCluster.response times=1";
    /// Makes messages later, by a fixed time or by one drawn for each, which also reorders them.
    Delay = "delay" in Faults: "delay LINK [WHAT] by=DURATION|MIN..MAX [times=N] [skip=N] [rate=PERCENT%]",
        "delay use1<->use2 by=0ms..2s rate=30%";
    /// Delivers messages more than once, each copy up to two seconds after the original.
    Duplicate = "duplicate" in Faults: "duplicate LINK [WHAT] [copies=N] [times=N] [skip=N] [rate=PERCENT%]",
        "duplicate ops->use1 CreateCluster";
    /// Holds messages back until `release`.
    Hold = "hold" in Faults: "hold LINK [WHAT] [times=N] [skip=N]", "hold use2->usw2";
    /// Ends every `hold` and lets what was held back go on its way.
    Release = "release" in Faults: "release", "release";
    /// Makes a link so many times slower.
    Slow = "slow" in Faults: "slow LINK by=FACTORx", "slow use1<->use2 by=20x";
    /// Cuts links: every message on them is lost. One arrow cuts one direction.
    Partition = "partition" in Faults: "partition LINK...", "partition use1<->use2";
    /// Ends the rules on these links; without a link, ends every rule, hold, denial and throttle.
    Heal = "heal" in Faults: "heal [LINK...]", "heal use1<->use2";
    /// Stops a node: `REGION` (its control plane) or `REGION/witness`. What it had in memory is lost; a write that
    /// is not finished is `kept` or `lost`, drawn if not said. It stops at once, or when it comes to a `MOMENT` for the
    /// `nth` time from now on:
    ///
    /// - `before=WHAT`: it is about to handle a request or a message (see `drop`), which is lost.
    /// - `before=response:OPERATION`, `before=response`, `before=send:KIND`: it is about to send an answer, or a
    ///   message to another node, which is not sent. With `after`, it has sent that and nothing behind it.
    /// - `before=persist:WRITE`: it is about to make such a write, which is not begun. With `during`, it has begun the
    ///   write; with `after`, the write is durable and nothing behind it has left. `WRITE` is the operation whose call
    ///   the write is made for, or what it holds: `cluster`, `token`, `link` (a link register), `stream`, `policy` or
    ///   `tags`; `persist` alone is any write.
    ///
    /// A client stops, too: its calls in flight end unknown, are not tried again and get no answer, and what the
    /// network has of them arrives all the same. Its next command stands for its next life.
    Crash = "crash" in Faults: "crash NODE [MOMENT] [nth=N] [unfinished=kept|lost]\ncrash CLIENT",
        "crash use1 after=persist:UpdateCluster nth=2";
    /// Starts nodes again with what their storage holds. A client needs no start.
    Restart = "restart" in Faults: "restart NODE...", "restart use1 use1/witness";
    /// Stops a Region's control plane and witness node together; nothing there answers any more, not even with a
    /// reset.
    Outage = "outage" in Faults: "outage REGION", "outage usw2";
    /// Sets a Region's wall clock wrong. It stamps `creationTime`, and nothing else looks at it.
    Skew = "skew" in Faults: "skew REGION by=+DURATION|-DURATION", "skew use2 by=-3h";
    /// Denies an action to everybody in a Region: an operation's name, PutMultiRegionProperties, PutWitnessRegion,
    /// AddPeerCluster, RemovePeerCluster, CreateServiceLinkedRole, PassRole, or an action of AWS KMS, as in Decrypt.
    Deny = "deny" in Faults: "deny REGION ACTION", "deny usw2 PutWitnessRegion";
    /// Allows a denied action again.
    Allow = "allow" in Faults: "allow REGION ACTION", "allow usw2 PutWitnessRegion";
    /// Lets a Region's clusters go without connections for long: ACTIVE ones become IDLE, and IDLE ones INACTIVE. A
    /// control plane that is down misses this.
    Idle = "idle" in Faults: "idle REGION", "idle use1";
    /// Connects to a Region's clusters: IDLE and INACTIVE ones become ACTIVE. A control plane that is down misses this.
    Connect = "connect" in Faults: "connect REGION", "connect use1";
    /// Disables the customer managed keys of a Region's clusters, those to come as well: their `encryptionStatus` is
    /// KMS_KEY_INACCESSIBLE, and ACTIVE ones become IDLE. A control plane that is down finds them so when it starts.
    DisableKeys = "disable-keys" in Faults: "disable-keys REGION", "disable-keys use1";
    /// Enables these keys again.
    EnableKeys = "enable-keys" in Faults: "enable-keys REGION", "enable-keys use1";
    /// Answers the next `times` (1) requests to a Region with ThrottlingException, before its control plane sees them.
    Throttle = "throttle" in Faults:
        "throttle REGION [OPERATION] [times=N]",
        "throttle use1 CreateCluster times=2";
    /// Answers the next `times` (1) requests to a Region with an error of the API, before its control plane sees them.
    Fail = "fail" in Faults:
        "fail REGION [OPERATION] error=NAME [times=N]",
        "fail use1 CreateCluster error=InternalServerException";

    /// Lets time pass.
    Advance = "advance" in Time: "advance DURATION", "advance 30s";
    /// Lets things happen until the world is quiet: no call is open, and nothing is under way but the repetition of
    /// questions that cannot be answered. It is an error if that takes longer than `limit` (1h).
    Run = "run" in Time: "run until=quiet [limit=DURATION]", "run until=quiet";
    /// Lets every fault that was set for later happen, puts everything right, lets the world come to rest, and demands
    /// that it converged: no cluster in a transient status, no request unanswered, both sides of each pair agreed. With
    /// `except`, that Region stays dead, and what the other two can decide must converge without it. Every scenario
    /// ends with this, written or not.
    Converge = "converge" in Time: "converge [except=REGION]", "converge except=use2";
    /// Lets the fault that follows happen at a moment of virtual time, or, with a `+`, so long from now.
    At = "at" in Time: "at TIME FAULT", "at +250ms crash use1";

    /// Says what must be so, for every seed. `SUBJECT` is `outcome` (ok, failed, unknown or timed-out), `error` (the
    /// exception's name), `http` (its status) or a member of the answer (or of the error's body) of the last call,
    /// or of the call `NAME` as in `NAME.status`; `.length` counts a list. `OPERATOR` is `==`, `!=`, `<`, `<=`, `>`,
    /// `>=` or
    /// `contains`, and may be left out behind `outcome`. What really is, whatever callers were told, is asked with
    /// `clusters in REGION` (a number) and `NAME is`: a status, `gone`, or `linked with OTHER`, which takes both of
    /// them to say so.
    Expect = "expect" in Expectations:
        "expect SUBJECT OPERATOR VALUE | SUBJECT is absent | clusters in REGION OPERATOR N\n\
         expect NAME is STATUS | NAME is gone | NAME is linked with OTHER",
        "expect blue.multiRegionProperties.clusters contains $green.arn";
    /// Writes what a cluster is, whatever callers were told, into the trace.
    Show = "show" in Expectations: "show NAME...", "show blue green";
}

impl Verb {
    /// The verb called `name`. Operations are called by their AWS CLI names and are not found here.
    #[must_use]
    pub fn parse(name: &str) -> Option<Verb> {
        Self::ALL.iter().copied().filter(|verb| *verb != Verb::Call).find(|verb| verb.name() == name)
    }

    /// The verb that was called `name` once and is called otherwise now.
    #[must_use]
    pub fn renamed(name: &str) -> Option<Verb> {
        match name {
            "doze" => Some(Verb::Idle),
            "wake" => Some(Verb::Connect),
            _ => None,
        }
    }
}
