"""One store's replica: the entrance of the protocol. See the package's docstring for what drives it."""

from dataclasses import dataclass

from actors.replication.protocol.effects import (
    Decline,
    Effect,
    End,
    Refusal,
    Refuse,
    RefuseReads,
    Transaction,
)
from actors.replication.protocol.events import (
    Event,
    FenceBroken,
    GroupRead,
    GroupSet,
    HandOver,
    Persisted,
    PersistFailed,
    Promote,
    Propose,
    ReadStrong,
    Received,
    Start,
    Tick,
)
from actors.replication.protocol.follower import Follower
from actors.replication.protocol.group import promoted
from actors.replication.protocol.limits import Limits
from actors.replication.protocol.log import Durable, LogView
from actors.replication.protocol.messages import (
    Append,
    Appended,
    Confirm,
    Confirmed,
    Fenced,
    FullCopy,
    HandedOver,
    Leaving,
    Message,
    Mismatch,
)
from actors.replication.protocol.opening import Opening
from actors.replication.protocol.reign import Reign
from actors.replication.protocol.state import ReplicaState, Role
from actors.replication.protocol.talk import Fate, Talk, ignore
from node.errors import InvariantError
from node.ids import StoreId


@dataclass(frozen=True, slots=True)
class ProposalSlot:
    """Where the next batch belongs: the epoch, the position before it, and the hash there."""

    epoch: int
    previous_position: int
    previous_hash: bytes


class Replica:
    """A state machine: the same state and event give the same state and effects, always."""

    state_class = ReplicaState
    opening_class = Opening
    follower_class = Follower
    reign_class = Reign
    talk_class = Talk

    def __init__(
        self, store_id: StoreId, *, limits: Limits, log: LogView, durable: Durable
    ) -> None:
        self._state = self.state_class(store_id, limits, log, durable)
        self._talk = self.talk_class(self._state, self._follow_group)
        self._opening = self.opening_class(self._state, self._talk, self._opened)
        self._follower = self.follower_class(self._state, self._talk)
        self._reign: Reign | None = None
        self._taking_over: int = 0
        """The epoch whose promise is on its way to the own store."""

    @property
    def role(self) -> Role:
        """What this replica is."""
        return self._state.role

    @property
    def is_open_primary(self) -> bool:
        """Whether it takes writes and strong reads, as far as it knows."""
        return self._reign is not None and self._reign.is_open

    @property
    def is_refused(self) -> bool:
        """Whether the store is stale and nobody else is in sync: its newest copy has to be put back."""
        return self._opening.is_refused

    @property
    def epoch(self) -> int:
        """The highest epoch promised."""
        return self._state.durable.promised

    @property
    def primary(self) -> StoreId | None:
        """Whom clients should ask, as far as this replica knows."""
        return self._state.store_id if self._reign is not None else self._state.primary

    @property
    def applied_position(self) -> int:
        """What sessions compare with the position they have seen."""
        return self._state.durable.commit

    @property
    def durable_copies(self) -> int:
        """How many copies hold everything applied here, as far as this replica knows."""
        return 0 if self._talk.known is None else len(self._talk.known.in_sync)

    @property
    def proposal_slot(self) -> ProposalSlot | None:
        """Where the next batch belongs; None while none can be proposed."""
        if self._reign is None or self._reign.refusal() is not None:
            return None
        durable = self._state.durable
        return ProposalSlot(self._reign.epoch, durable.position, durable.hash)

    @property
    def write_refusal(self) -> Refusal | None:
        """Why a write cannot be answered now, not even a repeated one; None if it can be, or may wait."""
        if self._reign is None:
            return Refusal.NOT_PRIMARY
        refusal = self._reign.refusal()
        return None if refusal is Refusal.BATCH_IN_FLIGHT else refusal

    def step(self, event: Event) -> list[Effect]:
        """What is to be done now that something happened."""
        state = self._state
        if state.role is Role.ENDED:
            return []
        state.effects = []
        state.now_ms = event.now_ms
        self._handle(event)
        while (
            state.deferred and not state.is_busy
        ):  # Ends: at most `deferred_messages_max` are kept.
            sender, message = state.deferred.popleft()
            self._receive(sender, message)
        return state.effects

    def _handle(self, event: Event) -> None:
        match event:
            case Received():
                self._receive(event.sender, event.message)
            case Tick():
                self._tick()
            case Persisted() | PersistFailed() | FenceBroken():
                self._heard_of_store(event)
                self._advance()
            case GroupRead():
                self._talk.answered_read(event)
                self._advance()
            case GroupSet():
                self._talk.answered_set(event)
                self._advance()
            case Start():
                self._opening.start()
            case Propose() | ReadStrong() | HandOver():
                self._ask_primary(event)
            case Promote():
                self._promote()

    def _heard_of_store(self, event: Persisted | PersistFailed | FenceBroken) -> None:
        match event:
            case Persisted():
                self._state.persisted(event.durable)
            case PersistFailed():
                self._state.persist_failed(event.failure)
            case FenceBroken():
                self._state.end(End.FENCED)

    def _tick(self) -> None:
        self._state.try_again()
        self._talk.tick()
        if self._state.role is Role.OPENING:
            self._opening.tick()
        elif self._reign is not None:
            self._reign.tick()
        else:
            self._take_over()

    def _advance(self) -> None:
        if self._state.role is Role.ENDED:
            return
        if self._reign is not None:
            self._reign.advance()
        else:
            self._take_over()

    def _ask_primary(self, event: Propose | ReadStrong | HandOver) -> None:
        if self._reign is None:
            refused: Effect = Decline(Refusal.NOT_PRIMARY)
            if isinstance(event, ReadStrong):
                refused = RefuseReads((event.read,), Refusal.NOT_PRIMARY)
            elif isinstance(event, Propose):
                refused = Refuse(Refusal.NOT_PRIMARY)
            self._state.effects.append(refused)
            return
        match event:
            case Propose():
                self._reign.propose(event.entries)
            case ReadStrong():
                self._reign.read(event.read)
            case HandOver():
                self._reign.hand_over(event.to)

    def _receive(self, sender: StoreId, message: Message) -> None:
        state = self._state
        if state.role in {Role.OPENING, Role.ENDED}:
            return
        match message:
            case Appended() | Mismatch() | Leaving() | Confirmed():
                if self._reign is not None:
                    self._reign.answered(sender, message)
            case Fenced():
                if self._reign is not None and message.epoch > self._reign.epoch:
                    self._step_down()
                    self._talk.read(ignore)
            case Confirm():
                self._follower.confirm(sender, message)
            case HandedOver():
                self._follower.handed_over(message)
            case Append() | FullCopy():
                self._follow(sender, message)

    def _follow(self, sender: StoreId, message: Append | FullCopy) -> None:
        """Entries or a copy from a primary: one of a later reign ends this one's."""
        if self._reign is not None:
            if message.epoch == self._reign.epoch:
                raise InvariantError(
                    f"{sender} and {self._state.store_id} are both primary of epoch {message.epoch}"
                )
            if message.epoch > self._reign.epoch:
                self._step_down()
        if self._state.is_busy:
            self._state.defer(sender, message)
        elif isinstance(message, Append):
            self._follower.append(sender, message)
        else:
            self._follower.copy(sender, message)

    def _opened(self) -> None:
        """The store is open: it follows whoever is primary, unless the registry names itself."""
        is_member = self._state.store_id in self._talk.group.in_sync
        self._state.role = Role.BACKUP if is_member else Role.LEARNER
        self._state.primary = self._talk.group.primary
        self._take_over()

    def _follow_group(self) -> None:
        """A newer record was learnt; a store that was opened since has another owner."""
        if self._state.role is not Role.OPENING and (end := self._end()) is not None:
            self._state.end(end)
            return
        reign = self._reign
        if reign is None:
            return
        if self._talk.group.epoch > reign.epoch:
            self._step_down()
        else:
            reign.roster.follow_group()

    def _end(self) -> End | None:
        """Why an open store must not go on, if so."""
        group = self._talk.group
        if group.is_deleted:
            return End.DELETED
        if group.store(self._state.store_id) is None:
            return End.UNKNOWN_STORE
        return None if self._is_this_opening() else End.FENCED

    def _take_over(self) -> None:
        """Begin the reign that the registry has given to this opening of the store."""
        state, group = self._state, self._talk.known
        if group is None or state.role not in {Role.BACKUP, Role.LEARNER} or state.is_busy:
            return
        is_named = group.primary == state.store_id and self._is_this_opening()
        if not is_named or group.epoch <= self._taking_over:
            return
        if group.epoch < state.durable.promised:
            return
        self._taking_over = group.epoch
        if group.epoch == state.durable.promised:
            self._begin_reign()
            return
        transaction = Transaction(fence=state.fence, epoch=group.epoch, promised=group.epoch)
        state.persist(transaction, self._begin_reign)

    def _is_this_opening(self) -> bool:
        return self._talk.group.incarnation(self._state.store_id) == self._state.incarnation

    def _begin_reign(self) -> None:
        state = self._state
        if self._talk.group.epoch != self._taking_over:
            return
        state.role = Role.PRIMARY
        self._reign = self.reign_class(state, self._talk, self._taking_over)
        self._reign.begin()

    def _step_down(self) -> None:
        if self._reign is not None:
            reign, self._reign = self._reign, None
            self._state.role = Role.BACKUP
            self._state.primary = self._talk.group.primary
            reign.end()

    def _promote(self) -> None:
        """Become primary if the registry agrees that this store is in sync."""
        is_able = self._reign is None and self._state.role in {Role.BACKUP, Role.LEARNER}
        if is_able and not self._talk.is_busy:
            self._talk.read(self._claim_epoch)
        elif self._reign is None:
            self._state.effects.append(Decline(Refusal.NOT_A_MEMBER))

    def _claim_epoch(self, _: Fate) -> None:
        group = self._talk.group
        if self._reign is not None or group.primary == self._state.store_id:
            return
        if not self.may_be_promoted():
            self._state.effects.append(Decline(Refusal.NOT_A_MEMBER))
            return
        self._talk.compare_and_set(promoted(group, self._state.store_id), ignore)

    def may_be_promoted(self) -> bool:
        """Only a member of `in_sync` has everything acknowledged, and only as it was opened last."""
        return self._state.store_id in self._talk.group.in_sync and self._is_this_opening()
