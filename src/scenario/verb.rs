//! The verbs of the scenario language: names, arguments, meanings and examples.
//!
//! One table feeds the reader, `dsql-sim help scenario` and the reference page.

/// A chapter of the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chapter {
    /// Commands before the first call or fault, which describe the world.
    SetUp,
    /// Calls of the API.
    Calls,
    /// Faults of the network, the nodes and their surroundings.
    Faults,
    /// The passage of virtual time.
    Time,
    /// Claims that hold for every seed.
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
        /// The verb of a command.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Verb { $($(#[doc = $doc])+ $variant,)+ }

        impl Verb {
            /// Every verb, in the order of the reference.
            pub const ALL: &[Verb] = &[$(Verb::$variant),+];

            /// The verb as it is written.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Verb::$variant => $name),+ }
            }

            /// The form of the command: its words and options.
            #[must_use]
            pub fn usage(self) -> &'static str {
                match self { $(Verb::$variant => $usage),+ }
            }

            /// The meaning: lines of Markdown.
            #[must_use]
            pub fn meaning(self) -> &'static [&'static str] {
                match self { $(Verb::$variant => &[$($doc),+]),+ }
            }

            /// An example.
            #[must_use]
            pub fn example(self) -> &'static str {
                match self { $(Verb::$variant => $example),+ }
            }

            /// The chapter of the reference that describes the verb.
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
    /// Gives Regions short names, which can stand wherever a Region can. A Region needs no other declaration.
    Regions = "regions" in SetUp: "regions NAME=REGION...", "regions use1=us-east-1 use2=us-east-2 usw2=us-west-2";
    /// Declares clients. `home` is the Region in which they run, for the latency of their messages (us-east-1 by
    /// default); `account` is their AWS account (111122223333 by default); `principal` is the principal as which they
    /// run, whose account is theirs then. Without this verb there is one client, `ops`.
    Clients = "clients" in SetUp: "clients NAME... [home=REGION] [account=DIGITS] [principal=NAME]",
        "clients ops ci home=use1";
    /// Declares a principal: a role, a user, a session of a role, or the root of an account. The AWS JSON that follows
    /// on the next line is a policy attached to it. Repeat the verb, without `arn`, for each further policy; with
    /// `boundary` the policy is a permissions boundary, and one of these must allow an action, too. A principal
    /// without a policy may do nothing; the root of an account may do everything, and so may a client without a
    /// principal. `access-key` is the access key id with which a real client is this principal (`dsql-sim serve`).
    Principal = "principal" in SetUp: "principal NAME [boundary] [arn=ARN] [access-key=ID]\n{ POLICY }",
        "principal ci arn=arn:aws:iam::111122223333:role/ci\n\
         { \"Statement\": { \"Effect\": \"Allow\", \"Action\": \"dsql:Get*\", \"Resource\": \"*\" } }";
    /// Sets the delay of messages. `measured` (the default) is half the measured round trip between two AWS Regions,
    /// and up to a tenth more; a range is drawn from for each message, whatever the Regions.
    Latency = "latency" in SetUp: "latency measured | MIN..MAX", "latency 1ms..50ms";
    /// Sets the duration of a write to a node's disk. The default is a millisecond.
    Disk = "disk" in SetUp: "disk DURATION", "disk 20ms";
    /// Answers questions that the record of the real service leaves open. The switches are listed below.
    Assume = "assume" in SetUp: "assume SWITCH=VALUE...", "assume token_window=1h multi_region_quota=2";
    /// Plants bugs, to see them caught. `dsql-sim mutants` lists them.
    Mutant = "mutant" in SetUp: "mutant NAME...", "mutant witness-in-own-region";
    /// Sets the level of the trace that is recorded in this file. The default is `milestones`.
    Trace = "trace" in SetUp: "trace milestones | messages", "trace messages";

    /// Calls an operation of the API, by its AWS CLI name, with the JSON that follows on the next line as its input.
    /// The call behaves as an SDK's does: `attempts` (3) of `timeout` (10s) each, with exponential back-off and one
    /// client token, filled in if the input has none. The block continues when the call has ended.
    /// `as` names the call, and the cluster that it creates: `$NAME.MEMBER` inside a later string is a member of its
    /// answer. `after` delays the first attempt; `principal` replaces the client's principal for this call. With
    /// `if-missing=skip` the call is left out if a reference in it has no value, for instance because the call before
    /// was never answered; otherwise the scenario fails.
    Call = "create-cluster | get-cluster | tag-resource | put-cluster-policy | create-stream | …" in Calls:
        "[CLIENT:] OPERATION region=REGION [as=NAME] [attempts=N] [timeout=DURATION] [after=DURATION] \
         [principal=NAME] [if-missing=skip]\n{ INPUT }",
        "ops: create-cluster region=use1 as=blue\n{ \"multiRegionProperties\": { \"witnessRegion\": \"us-west-2\" } }";
    /// Waits as the SDKs' waiters do: a GetCluster every 2 seconds, 60 times at most. `cluster-active` succeeds on
    /// ACTIVE only; `cluster-not-exists` on ResourceNotFoundException only. The outcome is `ok`, `timed-out`, or
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
    /// The rule applies to `times` messages (all by default) after the first `skip`, and to each with a chance of
    /// `rate` percent. The first rule that applies to a message decides.
    Drop = "drop" in Faults: "drop LINK [WHAT] [times=N] [skip=N] [rate=PERCENT%]",
        "drop use1->ops CreateCluster.response times=1";
    /// Delays messages, by a fixed time or by one drawn for each message, which also reorders them.
    Delay = "delay" in Faults: "delay LINK [WHAT] by=DURATION|MIN..MAX [times=N] [skip=N] [rate=PERCENT%]",
        "delay use1<->use2 by=0ms..2s rate=30%";
    /// Delivers messages more than once, each copy up to two seconds after the original.
    Duplicate = "duplicate" in Faults: "duplicate LINK [WHAT] [copies=N] [times=N] [skip=N] [rate=PERCENT%]",
        "duplicate ops->use1 CreateCluster";
    /// Holds messages back until `release`.
    Hold = "hold" in Faults: "hold LINK [WHAT] [times=N] [skip=N]", "hold use2->usw2";
    /// Ends every `hold` and sends the held messages on.
    Release = "release" in Faults: "release", "release";
    /// Multiplies the delay of messages on a link.
    Slow = "slow" in Faults: "slow LINK by=FACTORx", "slow use1<->use2 by=20x";
    /// Cuts links: every message on them is lost. `->` cuts one direction, `<->` both.
    Partition = "partition" in Faults: "partition LINK...", "partition use1<->use2";
    /// Ends the rules on these links; without a link, ends every rule, hold, denial, `throttle` and `fail`.
    Heal = "heal" in Faults: "heal [LINK...]", "heal use1<->use2";
    /// Stops a node: `REGION` (its control plane) or `REGION/witness`. Its memory is lost; an unfinished write is
    /// `kept` or `lost`, drawn by default. The node stops at once, or when it reaches a `MOMENT` for the `nth` time
    /// from now on:
    ///
    /// - `before=WHAT`: it is about to handle a request or a message (see `drop`), which is lost.
    /// - `before=response:OPERATION`, `before=response`, `before=send:KIND`: it is about to send an answer, or a
    ///   message to another node, which is not sent. With `after`, it has sent that and nothing behind it.
    /// - `before=persist:WRITE`: it is about to make such a write, which is not begun. With `during`, it has begun the
    ///   write; with `after`, the write is durable and nothing behind it has left. `WRITE` is the operation whose call
    ///   the write is made for, or what it holds: `cluster`, `token`, `link` (a link register), `stream`, `policy` or
    ///   `tags`; `persist` alone is any write.
    ///
    /// A client stops, too: its calls in flight end unknown, without retries and without an answer, while their
    /// messages in the network still arrive. The next command of the client starts it again.
    Crash = "crash" in Faults: "crash NODE [MOMENT] [nth=N] [unfinished=kept|lost]\ncrash CLIENT",
        "crash use1 after=persist:UpdateCluster nth=2";
    /// Starts nodes with what their storage holds. A client needs no restart.
    Restart = "restart" in Faults: "restart NODE...", "restart use1 use1/witness";
    /// Stops a Region's control plane and witness node together. Nothing in the Region answers, not even with a
    /// reset.
    Outage = "outage" in Faults: "outage REGION", "outage usw2";
    /// Sets a Region's wall clock wrong. The clock stamps `creationTime` and has no other use.
    Skew = "skew" in Faults: "skew REGION by=+DURATION|-DURATION", "skew use2 by=-3h";
    /// Denies an action to every principal in a Region: an operation's name, PutMultiRegionProperties,
    /// PutWitnessRegion, AddPeerCluster, RemovePeerCluster, CreateServiceLinkedRole, PassRole, or an action of AWS KMS,
    /// as in Decrypt.
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
    /// Enables the customer managed keys of a Region's clusters again.
    EnableKeys = "enable-keys" in Faults: "enable-keys REGION", "enable-keys use1";
    /// Answers the next `times` (1) requests to a Region with ThrottlingException, before its control plane sees them.
    Throttle = "throttle" in Faults:
        "throttle REGION [OPERATION] [times=N]",
        "throttle use1 CreateCluster times=2";
    /// Answers the next `times` (1) requests to a Region with an error of the API, before its control plane sees them.
    Fail = "fail" in Faults:
        "fail REGION [OPERATION] error=NAME [times=N]",
        "fail use1 CreateCluster error=InternalServerException";

    /// Runs the world for a time.
    Advance = "advance" in Time: "advance DURATION", "advance 30s";
    /// Runs the world until it is quiet: no call is open, and nothing is under way but retries of requests that cannot
    /// be answered. It is an error if that takes longer than `limit` (1h).
    Run = "run" in Time: "run until=quiet [limit=DURATION]", "run until=quiet";
    /// Injects every fault that is still planned, undoes all faults, runs the world until it is quiet, and checks that
    /// it converged: no cluster in a transient status, no request unanswered, both sides of each pair agreed. With
    /// `except`, that Region stays dead, and whatever the other two can decide must converge without it. Every
    /// scenario ends with this, written or not.
    Converge = "converge" in Time: "converge [except=REGION]", "converge except=use2";
    /// Injects the fault that follows at a virtual time, or, with a `+`, after that time from now.
    At = "at" in Time: "at TIME FAULT", "at +250ms crash use1";

    /// States a claim that holds for every seed. `SUBJECT` is `outcome` (ok, failed, unknown or timed-out), `error`
    /// (the exception's name), `http` (its status) or a member of the answer (or of the error's body) of the last call,
    /// or of the call `NAME` as in `NAME.status`; `.length` counts a list. `OPERATOR` is `==`, `!=`, `<`, `<=`, `>`,
    /// `>=` or `contains`, and may be left out behind `outcome`. Two forms read the true state of the world, whatever
    /// callers know: `clusters in REGION` (a number), and `NAME is`, with a status, `gone`, or `linked with OTHER`,
    /// which holds if both clusters are linked with each other.
    Expect = "expect" in Expectations:
        "expect SUBJECT OPERATOR VALUE | SUBJECT is absent | clusters in REGION OPERATOR N\n\
         expect NAME is STATUS | NAME is gone | NAME is linked with OTHER",
        "expect blue.multiRegionProperties.clusters contains $green.arn";
    /// Writes the true state of clusters, whatever callers know, into the trace.
    Show = "show" in Expectations: "show NAME...", "show blue green";
}

impl Verb {
    /// The verb called `name`; `None` for the AWS CLI names of operations, which all are [`Verb::Call`].
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
