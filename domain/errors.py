"""What the domain says when it says no. The sentence for each stands in the templates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID


class Refusal(Exception):
    """A rule says no. `code` names the sentence shown to the person."""

    def __init_subclass__(cls) -> None:
        cls.code = "".join(f"_{c.lower()}" if c.isupper() else c for c in cls.__name__).lstrip("_")

    code = "refusal"


class NotFound(Refusal):
    """Unknown, or not this viewer's: nobody may tell the two apart."""


class NotAllowed(Refusal):
    """Known to this viewer, but refused to them."""


class ProfileLost(NotAllowed):
    """The patient reached the age of consent."""


class InvitedAsAnother(NotAllowed):
    """The invitation was sent to another address than the one signed in with."""


class NotSignedIn(Refusal):
    pass


class TermsNotAccepted(Refusal):
    pass


class FormRefused(Refusal):
    """The form's token is missing, of another session, or its fields are repeated."""


class TooMany(Refusal):
    def __init__(self, again_at: datetime, limit: str = "") -> None:
        super().__init__()
        self.again_at = again_at
        self.limit = limit


class TooBusy(Refusal):
    """More is asked of a costly function than it may take at once."""


class OutOfService(TooBusy):
    """The database is away, full or waited for too long: nothing was done by half."""


class UploadsBusy(TooBusy):
    """Others send files just now."""


class LinkDead(Refusal):
    """A mailed link that is altered, of another purpose, or no longer true."""


class LinkExpired(LinkDead):
    """It was true, and its time is over, or a newer one took its place."""


class LinkUsed(LinkDead):
    """It did what it was for."""


class SignInOver(LinkDead):
    """Between the password and the code it took too long, or the password was changed."""


class CodeSpent(LinkDead):
    """The code that goes with it was wrong five times."""


class InvitationExpired(LinkExpired):
    pass


class InvitationReplaced(LinkExpired):
    """A newer invitation took its place."""


class InvitationUsed(LinkUsed):
    pass


class InvitationSpent(CodeSpent):
    pass


class Invalid(Refusal):
    """What was typed cannot be taken as it is: for each field, the code of what is wrong."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__()
        self.problems = problems


class WrongCode(Invalid):
    def __init__(self, tries_left: int) -> None:
        super().__init__({"code": "wrong"})
        self.tries_left = tries_left


class WrongCredentials(Refusal):
    pass


class NotActivated(Refusal):
    pass


class TooYoung(Refusal):
    """Below the age of consent, or the clinic has not said which that is."""


class Conflict(Refusal):
    """Someone or something else was faster; the person can choose again."""


class FactorChanged(Conflict):
    """The second factor was switched on or off meanwhile."""


class ChangedMeanwhile(Conflict):
    """Someone else saved the same thing since this form was opened: nothing was overwritten."""

    def __init__(self, by: str = "", at: datetime | None = None) -> None:
        super().__init__()
        self.by = by
        self.at = at


class LastAdministrator(Conflict):
    """Someone must be left who can let others in."""


class NotOneself(Conflict):
    """Nobody shuts themself out by mistake."""


class AlreadyInstalled(Conflict):
    """The portal has its clinic: it is set up once."""


class StillInUse(Conflict):
    """It cannot be taken away while this many things need it."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class AccessWouldChange(Conflict):
    """So many accounts would lose a profile or have one again: to be seen and agreed to first."""

    def __init__(self, closing: int, opening: int) -> None:
        super().__init__()
        self.closing = closing
        self.opening = opening


class PossibleDuplicates(Conflict):
    """Charts that may be of the same person: `similar`."""

    def __init__(self, similar: Sequence[Any]) -> None:
        super().__init__()
        self.similar = similar


class AddressTaken(Conflict):
    """Another account has this e-mail address by now."""


class ChartTaken(Conflict):
    """The patient has an account already, or the account its own chart."""


class AlreadyHeld(Conflict):
    """This account acts for the patient already, or is the patient's own."""


class AccessBlocked(Conflict):
    """The clinic keeps this account from acting for the patient: told to the staff alone."""


class AddressOfProxy(Conflict):
    """The address or the phone is that of someone who acts for the patient."""


class SlotTaken(Conflict):
    pass


class SlotHeld(SlotTaken):
    """A patient is about to take it, and has it until then."""

    def __init__(self, again_at: datetime) -> None:
        super().__init__()
        self.again_at = again_at


class SlotNotOffered(Conflict):
    """Not a slot this choice can be booked in: past, withdrawn, or of another type."""


class ClashesWithOwnVisit(Conflict):
    def __init__(self, visit: object) -> None:
        super().__init__()
        self.visit = visit


class AlreadyBooked(Conflict):
    """This patient's own visit stands in that slot: the booking had worked."""

    def __init__(self, appointment: UUID) -> None:
        super().__init__()
        self.appointment = appointment


class TooManyUpcoming(Conflict):
    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit


class FormReused(Conflict):
    """The same form key came with another content."""


class TooEarlyToConfirm(Conflict):
    def __init__(self, opens_at: datetime) -> None:
        super().__init__()
        self.opens_at = opens_at


class TooLateToConfirm(Conflict):
    pass


class TooLateToCancel(Conflict):
    def __init__(self, deadline: datetime) -> None:
        super().__init__()
        self.deadline = deadline


class AlreadyCancelled(Conflict):
    pass


class StillCancellable(Conflict):
    """Whoever cannot come can cancel it themself."""


class VisitBegun(Conflict):
    """It can be confirmed, cancelled or moved no more, not even by the clinic."""


class VisitsChanged(Conflict):
    """In the time to take back, somebody has booked, moved or cancelled since it was looked at."""


class NotYetBegun(Conflict):
    """Nobody can have missed it."""


class NoShowKept(Conflict):
    """That somebody did not come is taken back on the same day only."""


class PdfRefused(Invalid):
    """A file that cannot be sent to a patient; `problem` says why."""

    def __init__(self, problem: str, file_name: str = "") -> None:
        super().__init__({"fichiers": problem})
        self.problem = problem
        self.file_name = file_name


class FileMissing(Refusal):
    """The attachment is there and may be read, but its file is lost, altered or out of reach."""


class FilesNotKept(Conflict):
    """Where documents are stored there is no room, or nobody answers: nothing was sent."""


class ReplyNotOpen(Conflict):
    """`why` is a code of `why_no_reply`."""

    def __init__(self, why: str) -> None:
        super().__init__()
        self.why = why


class DraftIsNewer(Conflict):
    """Another tab or device has saved a text that this one has not seen."""


class AnotherMessageCame(Conflict):
    """The clinic has written anew since this reply's form was opened."""


class ReasonInvalid(Refusal):
    def __init__(self, problem: str, length: int) -> None:
        super().__init__()
        self.problem = problem
        self.length = length
