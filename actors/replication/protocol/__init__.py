"""The replication protocol of one store, as a pure state machine: no I/O, no clock, no randomness.

Primary and backups in the manner of PacificA: an entry is durable in the log of every in-sync copy before
it is answered, who is in sync stands in the registry and changes by compare-and-set only, and epochs fence
whoever was replaced. `docs/replication.md` tells the protocol in a page.

    replica.py     `Replica.step(event) -> effects`: the one entrance; sends each event to its part
    opening.py     a store is opened: incarnations, and which stores are learners
    follower.py    backup and learner: appends, promises, full copies, confirmations
    reign.py       primary: takes over, replicates one batch at a time, confirms strong reads
    membership.py  primary: what it wants changed in the registry's record, and when
    progress.py    primary: what it knows of each other copy
    talk.py        the conversation with the registry: an unanswered question is unknown
    state.py       what all parts share; one transaction in flight
    group.py events.py effects.py messages.py log.py limits.py: the values that go in and out

What drives it. A shell owns the store, the connections and the clock. For each event it calls `step` and
does the returned effects in their order:

- `Persist`: do the transaction, durably and all or nothing, in the order given, after comparing the fence
  with what the store holds; apply entries up to `commit` in it. Then step `Persisted`, with the store's
  values read in the same transaction, or `PersistFailed`. Only one is ever in flight. A log drops none but
  committed entries.
- `Send`: send the message; it may be lost, late, doubled or out of order. What arrives is a `Received`,
  after the shell has compared each entry's hash with its bytes. With a fence: compare it first, and step
  `FenceBroken` instead if it does not hold.
- `SendCopy`: send a `FullCopy` of what is applied now; one to the same copy and ticket is sent once.
- `ReadGroup`, `CompareAndSet`: ask the registry; no answer is an answer too, so an unreachable registry
  needs no event.
- `Answer`, `Abandon`, `Refuse`: what becomes of proposed entries. `ServeReads`, `RefuseReads`: of strong
  reads, with a fence as above. A session read is served by any open replica whose `applied_position` the
  session has not passed.
- `Opened`, `SteppedDown`, `Ended`: for routing; after `Ended` the process closes the store and goes.

It steps `Tick` some times a second, each event with the time of one monotonic clock: no safety depends on
it. It resolves writes against the applied state when `Replica.proposal_slot` says where entries belong.

The servers do not use it yet; the simulator in `tests/simulation` drives it.
"""
