"""The simulator of the replication protocol: the product's code over a virtual network, clock and disk.

    world.py       one seed: the heap of events, what the seed is like, the end when all is healed
    network.py     delay, loss, duplication, reordering, links cut in one direction
    disk.py        a store: transactions with a fence, log, applied state, images of its directory
    registry.py    one record changed by compare-and-set, whose answers may get lost
    process.py     the shell around `Replica`: persist, send, compare-and-set, tell time
    clients.py     sessions that write and read
    supervisor.py  promotes and restarts, sometimes wrongly
    faults.py      what goes wrong, and when
    invariants.py  what must hold at every step
    mutants.py     deliberate bugs of the protocol, each of which must be found
    report.py      many seeds: progress, shares, JSON

`python -m tests.simulation --help`.
"""
