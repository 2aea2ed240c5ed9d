"""The clinic of the demonstration. Everything here is invented."""

from typing import NamedTuple

NAME = "Clinique des Érables"
PHONE = "+15145550142"
EMAIL = "accueil@clinique-des-erables.example"
ADDRESS = "2650, rue Beaubien Est, Montréal (Québec) H1Y 0A9"
PROVINCE = "QC"
TIME_ZONE = "America/Toronto"
CONSENT_AGE = 14

EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Site(NamedTuple):
    key: str
    name: str
    street: str
    postal_code: str
    phone: str


SITES = (
    Site("rosemont", "Clinique des Érables – Rosemont", "2650, rue Beaubien Est", "H1Y 0A9", PHONE),
    Site(
        "villeray",
        "Clinique des Érables – Villeray",
        "415, rue Jarry Est",
        "H2P 0B4",
        "+15145550167",
    ),
)


class Specialty(NamedTuple):
    key: str
    fr: str
    en: str


SPECIALTIES = (
    Specialty("family", "Médecine de famille", "Family medicine"),
    Specialty("pediatrics", "Pédiatrie", "Pediatrics"),
    Specialty("gynecology", "Gynécologie", "Gynecology"),
    Specialty("dermatology", "Dermatologie", "Dermatology"),
)


class Team(NamedTuple):
    key: str
    fr: str
    en: str
    takes_messages: bool = True


RECEPTION = Team("reception", "Accueil", "Front desk")
NURSES = Team("nurses", "Soins infirmiers", "Nursing")
BILLING = Team("billing", "Facturation", "Billing")
RECORDS = Team("records", "Archives médicales", "Medical records", takes_messages=False)
TEAMS = (RECEPTION, NURSES, BILLING, RECORDS)


class Practitioner(NamedTuple):
    key: str
    title: str
    first_name: str
    last_name: str
    specialty: str


PRACTITIONERS = (
    Practitioner("roy", "Dre", "Isabelle", "Roy", "family"),
    Practitioner("benali", "Dr", "Karim", "Benali", "family"),
    Practitioner("nguyen", "Dre", "Catherine", "Nguyen", "family"),
    Practitioner("bouchard", "Dr", "Étienne", "Bouchard", "family"),
    Practitioner("haddad", "Dre", "Sofia", "Haddad", "pediatrics"),
    Practitioner("gagnon", "Dr", "Marc-André", "Gagnon", "pediatrics"),
    Practitioner("lavoie", "Dre", "Marie-Ève", "Lavoie", "gynecology"),
    Practitioner("cote", "Dr", "Jean-Philippe", "Côté", "dermatology"),
)


class VisitType(NamedTuple):
    key: str
    minutes: int
    fr: str
    en: str
    message_fr: str
    message_en: str


FOLLOW_UP = "follow_up"
RENEWAL = "renewal"
CHECK_UP = "check_up"
VIRTUAL = "virtual"
CHILD = "child"
SPECIALIST = "specialist"
SAME_DAY = "same_day"
SAME_DAY_CHILD = "same_day_child"

URGENT = frozenset({SAME_DAY, SAME_DAY_CHILD})

VISIT_TYPES = (
    VisitType(
        FOLLOW_UP,
        15,
        "Suivi médical",
        "Follow-up visit",
        "Apportez votre liste de médicaments et votre carte d’assurance maladie.",
        "Please bring your list of medications and your health insurance card.",
    ),
    VisitType(
        RENEWAL,
        10,
        "Renouvellement d’ordonnance",
        "Prescription renewal",
        "Ayez avec vous les contenants de vos médicaments et le numéro de votre pharmacie.",
        "Please have your medication bottles and your pharmacy’s phone number with you.",
    ),
    VisitType(
        CHECK_UP,
        45,
        "Examen de santé périodique",
        "Periodic health examination",
        "Soyez à jeun depuis huit heures (l’eau est permise). Apportez votre carnet de "
        "vaccination, votre liste de médicaments et votre carte d’assurance maladie.",
        "Please do not eat for eight hours before (water is fine). Bring your vaccination booklet, "
        "your list of medications and your health insurance card.",
    ),
    VisitType(
        VIRTUAL,
        20,
        "Suivi virtuel",
        "Virtual follow-up",
        "Installez-vous dans un endroit calme et ouvrez le lien cinq minutes avant l’heure. "
        "Vous devez vous trouver au Québec pendant le rendez-vous.",
        "Find a quiet place and open the link five minutes early. "
        "You must be in Québec during the appointment.",
    ),
    VisitType(
        CHILD,
        30,
        "Suivi de l’enfant et vaccination",
        "Well-child visit and vaccination",
        "Apportez le carnet de vaccination de l’enfant et sa carte d’assurance maladie. "
        "Un parent ou un tuteur doit être présent.",
        "Please bring the child’s vaccination booklet and health insurance card. "
        "A parent or guardian must be present.",
    ),
    VisitType(
        SPECIALIST,
        30,
        "Consultation en spécialité",
        "Specialist consultation",
        "Apportez la demande de consultation de votre médecin et les résultats d’examens récents.",
        "Please bring your doctor’s referral and the results of any recent tests.",
    ),
    VisitType(
        SAME_DAY,
        15,
        "Accès adapté",
        "Advanced access",
        "Un seul motif par visite. Apportez votre carte d’assurance maladie et présentez-vous "
        "dix minutes à l’avance.",
        "One concern per visit. Please bring your health insurance card and arrive "
        "ten minutes early.",
    ),
    VisitType(
        SAME_DAY_CHILD,
        20,
        "Accès adapté – pédiatrie",
        "Advanced access – pediatrics",
        "Apportez la carte d’assurance maladie de l’enfant et, s’il fait de la fièvre, "
        "la liste des doses données.",
        "Please bring the child’s health insurance card and, if there is a fever, "
        "the list of doses given.",
    ),
)


class Hours(NamedTuple):
    """A line of the weekly template; lines for the same who, where and what are one schedule."""

    practitioner: str
    site: str
    visit_types: tuple[str, ...]
    days: tuple[str, ...]
    opens: str
    closes: str
    slot_minutes: int


SHORT = (FOLLOW_UP, RENEWAL)
LONG = (CHECK_UP, FOLLOW_UP)
REMOTE = (VIRTUAL,)
CHILDREN = (CHILD,)
EXPERT = (SPECIALIST, FOLLOW_UP)
WALK_IN = (SAME_DAY,)
WALK_IN_CHILD = (SAME_DAY_CHILD,)

REGULAR_HOURS = (
    Hours("roy", "rosemont", SHORT, ("mon",), "08:30", "11:45", 15),
    Hours("roy", "rosemont", LONG, ("mon",), "13:00", "16:00", 45),
    Hours("roy", "rosemont", SHORT, ("tue",), "09:00", "12:00", 15),
    Hours("roy", "rosemont", SHORT, ("thu",), "13:00", "16:15", 15),
    Hours("roy", "rosemont", REMOTE, ("fri",), "09:00", "11:00", 20),
    Hours("roy", "villeray", SHORT, ("fri",), "13:00", "16:00", 15),
    Hours("benali", "rosemont", SHORT, ("mon",), "13:00", "16:00", 15),
    Hours("benali", "villeray", SHORT, ("tue", "wed"), "09:00", "12:00", 15),
    Hours("benali", "villeray", LONG, ("tue",), "13:00", "16:00", 45),
    Hours("benali", "rosemont", REMOTE, ("fri",), "13:30", "15:30", 20),
    Hours("nguyen", "rosemont", REMOTE, ("mon",), "09:00", "11:00", 20),
    Hours("nguyen", "villeray", SHORT, ("tue",), "13:30", "16:30", 15),
    Hours("nguyen", "rosemont", SHORT, ("wed",), "08:30", "12:00", 15),
    Hours("nguyen", "rosemont", LONG, ("wed",), "13:00", "16:45", 45),
    Hours("bouchard", "rosemont", REMOTE, ("mon",), "10:00", "12:00", 20),
    Hours("bouchard", "rosemont", SHORT, ("tue",), "09:00", "11:30", 15),
    Hours("bouchard", "villeray", SHORT, ("thu",), "08:30", "11:30", 15),
    Hours("bouchard", "villeray", LONG, ("thu",), "13:00", "16:00", 45),
    Hours("bouchard", "villeray", WALK_IN, ("mon",), "13:00", "15:40", 20),
    Hours("roy", "villeray", WALK_IN, ("wed",), "08:30", "11:30", 20),
    Hours("nguyen", "villeray", WALK_IN, ("thu",), "09:00", "12:00", 20),
    Hours("haddad", "rosemont", CHILDREN, ("mon", "tue", "thu"), "08:30", "11:30", 30),
    Hours("haddad", "rosemont", CHILDREN, ("mon", "thu"), "13:00", "16:00", 30),
    Hours("haddad", "rosemont", WALK_IN_CHILD, ("tue",), "13:00", "16:00", 20),
    Hours("haddad", "rosemont", WALK_IN_CHILD, ("fri",), "08:40", "11:40", 20),
    Hours("gagnon", "villeray", CHILDREN, ("tue", "wed", "fri"), "09:00", "12:00", 30),
    Hours("gagnon", "villeray", CHILDREN, ("wed", "fri"), "13:00", "15:30", 30),
    Hours("gagnon", "villeray", WALK_IN_CHILD, ("mon", "thu"), "13:00", "16:00", 20),
    Hours("gagnon", "rosemont", WALK_IN_CHILD, ("sat",), "09:00", "12:00", 20),
    Hours("lavoie", "rosemont", EXPERT, ("mon", "wed"), "08:30", "12:00", 30),
    Hours("lavoie", "rosemont", EXPERT, ("wed", "fri"), "13:00", "16:00", 30),
    Hours("cote", "villeray", EXPERT, ("tue", "thu"), "09:00", "12:00", 30),
    Hours("cote", "villeray", EXPERT, ("thu",), "13:30", "16:30", 30),
    Hours("cote", "rosemont", EXPERT, ("fri",), "09:00", "12:00", 30),
)

# « Accès adapté » never closes between 08:00 and 20:00: one of four is always there.
SHIFTS = (("08:00", "12:00"), ("12:00", "16:00"), ("16:00", "20:00"))
ROTA = (
    ("benali", "nguyen", "bouchard"),
    ("nguyen", "bouchard", "roy"),
    ("bouchard", "roy", "benali"),
    ("roy", "benali", "nguyen"),
    ("benali", "nguyen", "bouchard"),
    ("roy", "bouchard", "bouchard"),
    ("nguyen", "benali", "benali"),
)

HOURS = REGULAR_HOURS + tuple(
    Hours(practitioner, "rosemont", WALK_IN, (day,), opens, closes, 20)
    for day, shifts in zip(EVERY_DAY, ROTA, strict=True)
    for practitioner, (opens, closes) in zip(shifts, SHIFTS, strict=True)
)


class Absence(NamedTuple):
    """Days off, counted in weeks from the Monday of the current one."""

    practitioner: str
    week: int
    first: str
    last: str
    reason: str


# Whoever is on the rota is away only on days without a shift.
ABSENCES = (
    Absence("gagnon", 2, "tue", "wed", "Formation"),
    Absence("haddad", 3, "mon", "sun", "Vacances"),
    Absence("roy", 4, "fri", "fri", "Congrès"),
    Absence("cote", 6, "mon", "sun", "Vacances"),
    Absence("lavoie", 8, "wed", "fri", "Congrès"),
)


class Holiday(NamedTuple):
    month: int
    day: int
    is_next_monday: bool
    """On that day, or on the first Monday from it."""
    name: str


HOLIDAYS = (
    Holiday(1, 1, False, "Jour de l’An"),
    Holiday(5, 18, True, "Journée nationale des patriotes"),
    Holiday(6, 24, False, "Fête nationale du Québec"),
    Holiday(7, 1, False, "Fête du Canada"),
    Holiday(9, 1, True, "Fête du Travail"),
    Holiday(10, 8, True, "Action de grâce"),
    Holiday(12, 25, False, "Noël"),
)
TEAM_DAY = "Journée de formation de l’équipe"
