"""What `portal init` and `portal admin` take. Imports nothing that reads the environment."""

import argparse

# (option, field of the draft, what is asked)
ASKED = (
    ("name", "nom", "Name of the clinic"),
    ("address", "adresse", "Address, on one line"),
    ("phone", "telephone", "Telephone"),
    ("email", "courriel", "E-mail that patients write to about their information"),
    ("time-zone", "fuseau", "Time zone"),
    ("province", "province", "Province (QC, NB, ON, …)"),
    ("consent-age", "age", "Age of consent to care (empty: the law's, in QC and NB)"),
    ("retention-years", "conservation", "Years for which information is kept"),
    ("site", "lieu", "Name of the site"),
    ("street", "rue", "Its number and street"),
    ("city", "ville", "Its city"),
    ("postal-code", "code_postal", "Its postal code"),
    ("site-phone", "lieu_telephone", "Its telephone"),
    ("title", "titre", "Title of the first practitioner (Dre, Dr, Mme, M.)"),
    ("practitioner-first-name", "prenom", "First name of the practitioner"),
    ("practitioner-last-name", "nom_famille", "Last name of the practitioner"),
    ("specialty", "specialite", "Specialty, in French"),
    ("specialty-en", "specialite_en", "Specialty, in English"),
    ("visit-type", "type", "Type of visit, in French"),
    ("visit-type-en", "type_en", "Type of visit, in English"),
    ("minutes", "minutes", "Its length in minutes (10, 15, 20, 30, 45, 60)"),
    ("morning-from", "matin_de", "Morning, from"),
    ("morning-to", "matin_a", "Morning, to"),
    ("afternoon-from", "apres_de", "Afternoon, from"),
    ("afternoon-to", "apres_a", "Afternoon, to"),
    ("first-name", "admin_prenom", "First name of the first administrator"),
    ("last-name", "admin_nom", "Last name of the first administrator"),
    ("admin-email", "admin_courriel", "E-mail of the first administrator"),
    ("language", "admin_langue", "Their language (fr, en)"),
)


def add_init_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--browser", action="store_true", help="show the link to do it in a browser instead"
    )
    command.add_argument(
        "--days", default="1-5", help="open days: 1 is Monday, as in 1-5 or 1,2,4 (default 1-5)"
    )
    for option, field, about in ASKED:
        command.add_argument(f"--{option}", dest=field, help=about)


def add_admin_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--email", required=True)
    command.add_argument("--first-name", default="")
    command.add_argument("--last-name", default="")
    command.add_argument("--language", choices=("fr", "en"), default="fr")
    command.add_argument(
        "--another", action="store_true", help="also where there is an administrator already"
    )
