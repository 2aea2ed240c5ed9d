"""The people of the demonstration. Everyone here is invented."""

from datetime import date
from typing import NamedTuple

PASSWORD = "Tulipe-42-Nord"  # noqa: S105 - printed on the demonstration's first page


class Person(NamedTuple):
    """Aged, so that children stay children whenever the demonstration is made."""

    first_name: str
    last_name: str
    sex: str
    age: int
    month: int
    day: int


class Known(NamedTuple):
    """Someone with a part of their own, born on a fixed day."""

    key: str
    first_name: str
    last_name: str
    sex: str
    birth_date: date
    phone: str
    practitioner: str


KNOWN = (
    Known("heather", "Heather", "Milner", "F", date(1989, 4, 27), "+15145550118", "roy"),
    Known("nathan", "Nathan", "Milner", "M", date(2017, 2, 18), "+15145550118", "haddad"),
    Known("hugo", "Hugo", "Levesque", "M", date(2005, 10, 20), "+15145550118", "roy"),
    Known("camille", "Camille", "Roy", "F", date(1996, 8, 3), "+14385550126", "benali"),
    Known("lea", "Léa", "Tremblay", "F", date(1978, 1, 15), "+14505550183", "nguyen"),
)


class Account(NamedTuple):
    email: str
    owner: str
    language: str
    created_days_ago: int
    password_days_ago: int
    has_accepted_terms: bool


HEATHER = Account("milner.heather@example.com", "heather", "fr", 4400, 152, True)
CAMILLE = Account("roy.camille@example.com", "camille", "fr", 64, 64, True)
LEA = Account("tremblay.lea@example.com", "lea", "fr", 2, 2, False)
ACCOUNTS = (HEATHER, CAMILLE, LEA)


class Attached(NamedTuple):
    """A profile that the clinic attached to an account, with every tab."""

    account: Account
    patient: str
    relationship: str
    granted_on: date


ATTACHED = (
    Attached(HEATHER, "nathan", "parent", date(2018, 5, 14)),
    # He has come of age since, and no consent is on record.
    Attached(HEATHER, "hugo", "guardian", date(2018, 9, 4)),
)

CROWD = (
    Person("Alexis", "Fortin", "M", 34, 3, 11),
    Person("Amina", "Diallo", "F", 29, 11, 2),
    Person("Antoine", "Pelletier", "M", 52, 7, 23),
    Person("Béatrice", "Lapointe", "F", 67, 1, 30),
    Person("Carlos", "Mendoza", "M", 41, 5, 8),
    Person("Chantal", "Bergeron", "F", 58, 9, 17),
    Person("Denis", "Ouellet", "M", 73, 12, 4),
    Person("Élise", "Caron", "F", 31, 2, 19),
    Person("Farid", "Mansouri", "M", 46, 8, 27),
    Person("Françoise", "Thibault", "F", 80, 4, 6),
    Person("Gabriel", "Nadeau", "M", 23, 10, 14),
    Person("Hélène", "Champagne", "F", 62, 6, 21),
    Person("Jacques", "Beaulieu", "M", 69, 3, 3),
    Person("Josée", "Desjardins", "F", 49, 11, 25),
    Person("Kim", "Tran", "F", 37, 7, 9),
    Person("Luc", "Arsenault", "M", 55, 1, 12),
    Person("Mélissa", "Joseph", "F", 27, 5, 31),
    Person("Michel", "Poirier", "M", 64, 9, 5),
    Person("Nadia", "Petrova", "F", 43, 12, 16),
    Person("Olivier", "Grenier", "M", 39, 2, 7),
    Person("Pascale", "Simard", "F", 35, 8, 18),
    Person("Réjean", "Gauthier", "M", 77, 10, 29),
    Person("Sylvie", "Morin", "F", 60, 4, 22),
    Person("Yannick", "Deschênes", "M", 32, 6, 13),
    Person("Adam", "Mansouri", "M", 8, 1, 24),
    Person("Alice", "Caron", "F", 3, 9, 10),
    Person("Charlie", "Grenier", "M", 5, 7, 1),
    Person("Éléonore", "Fortin", "F", 1, 3, 28),
    Person("Isaac", "Joseph", "M", 2, 11, 15),
    Person("Léo", "Simard", "M", 7, 5, 20),
    Person("Mia", "Mendoza", "F", 11, 12, 8),
    Person("Noah", "Tran", "M", 9, 2, 26),
    Person("Rosalie", "Nadeau", "F", 4, 8, 12),
    Person("Thomas", "Deschênes", "M", 10, 10, 3),
    Person("Zoé", "Arsenault", "F", 12, 6, 30),
)
