"""What the demonstration's clinic and its patients wrote to each other. All of it is invented."""

from typing import Literal, NamedTuple

from domain.messages.rules import Kind

Side = Literal["clinic", "patient"]


class Paper(NamedTuple):
    """A letter, a form or a result on the clinic's letterhead."""

    file_name: str
    title: str
    text: tuple[str, ...]


class Item(NamedTuple):
    what: str
    cents: int
    is_taxed: bool = True


class Bill(NamedTuple):
    file_name: str
    items: tuple[Item, ...]


class Said(NamedTuple):
    by: Side
    after: float
    """Hours since what was said before."""
    body: str
    may_answer: bool = False


class Talk(NamedTuple):
    """A thread: its first message, and what followed."""

    days_ago: float
    """Older than two days, on a working day at working hours; else that long ago."""
    sender: str
    subject: str
    body: str
    file: Paper | Bill | None = None
    patient: str = "heather"
    may_answer: bool = False
    then: tuple[Said, ...] = ()
    is_unread: bool = False
    is_refused: bool = False
    """The reply that was allowed no longer is."""
    is_closed: bool = False
    is_begun_by_patient: bool = False

    @property
    def kind(self) -> Kind:
        if isinstance(self.file, Bill):
            return "invoice"
        return "message" if self.file is None else "document"


FRESH_DAYS = 2
THANKS = "Merci de votre confiance.\n\nL’équipe de la Clinique des Érables"


def _bill(days_ago: float, what: str, *items: Item, is_unread: bool = False) -> Talk:
    body = f"Bonjour Heather,\n\nVous trouverez ci-joint votre facture ({what}). {THANKS}"
    file = Bill(f"Facture - {what}.pdf", items)
    return Talk(days_ago, "billing", f"Facture – {what}", body, file, is_unread=is_unread)


def _results(days_ago: float, sender: str, what: str, comment: str, *lines: str) -> Talk:
    body = f"Bonjour Heather,\n\n{comment}\n\nLe rapport complet est joint à ce message."
    paper = Paper(f"Résultats - {what}.pdf", f"Résultats : {what}", lines)
    return Talk(days_ago, sender, f"Résultats – {what}", body, paper)


def _paper(
    days_ago: float,
    sender: str,
    title: str,
    body: str,
    *text: str,
    patient: str = "heather",
    is_unread: bool = False,
) -> Talk:
    paper = Paper(f"{title}.pdf", title, text)
    return Talk(days_ago, sender, title, body, paper, patient=patient, is_unread=is_unread)


NORMAL = "Toutes les valeurs se situent à l’intérieur des limites de référence."
FASTING = "Prélèvement à jeun, reçu le jour même au laboratoire."

FRESH = (
    Talk(
        0.12,
        "roy",
        "Suivi de votre tension artérielle",
        "Bonjour Heather,\n\nVos mesures des deux dernières semaines sont encourageantes : la "
        "moyenne est de 128/82. Continuez le même dosage et notez vos valeurs trois fois par "
        "semaine jusqu’à notre prochain rendez-vous.\n\nAvez-vous ressenti des étourdissements "
        "en vous levant ? Vous pouvez me répondre ici.\n\nDre Isabelle Roy",
        may_answer=True,
        is_unread=True,
    ),
    _paper(
        0.22,
        "roy",
        "Ordonnance de prise de sang",
        "Bonjour Heather,\n\nVoici l’ordonnance dont nous avons parlé. Présentez-vous à jeun au "
        "centre de prélèvements de votre choix, idéalement d’ici deux semaines.",
        "Analyses demandées : formule sanguine complète, ferritine, TSH, glycémie à jeun, "
        "créatinine, bilan lipidique.",
        "À jeun depuis 12 heures. L’eau est permise.",
        "Renseignement clinique : fatigue persistante, suivi de la glande thyroïde.",
        is_unread=True,
    ),
    _bill(
        0.83,
        "Formulaire d’assurance invalidité",
        Item("Rédaction du formulaire d’assurance (3 pages)", 9500),
        Item("Transmission à l’assureur", 500),
        is_unread=True,
    ),
    _paper(
        3,
        "records",
        "Demande de consultation en physiothérapie",
        "Bonjour Heather,\n\nVotre demande de consultation est prête. Remettez-la à la clinique de "
        "physiothérapie de votre choix lors de votre première visite.",
        "Motif : gonalgie droite depuis six semaines, sans traumatisme.",
        "Examen : pas d’épanchement, ligaments stables, douleur à la palpation du tendon rotulien.",
        "Traitement demandé : évaluation, renforcement du quadriceps, conseils sur l’activité.",
        is_unread=True,
    ),
    _paper(
        5,
        "nurses",
        "Carnet de mesures de la tension artérielle",
        "Bonjour Heather,\n\nVoici le carnet à remplir à la maison. Mesurez votre tension assise, "
        "au repos depuis cinq minutes, le matin et le soir. Apportez-le à votre rendez-vous.",
        "Deux mesures à une minute d’intervalle, le matin avant les médicaments et le soir.",
        "Appelez la clinique si trois mesures de suite dépassent 160/100.",
        "Jour 1 : matin ______ / ______   soir ______ / ______",
        "Jour 2 : matin ______ / ______   soir ______ / ______",
        "Jour 3 : matin ______ / ______   soir ______ / ______",
        "Jour 4 : matin ______ / ______   soir ______ / ______",
        "Jour 5 : matin ______ / ______   soir ______ / ______",
        is_unread=True,
    ),
    Talk(
        0.09,
        "haddad",
        "Rappel de vaccin de Nathan",
        "Bonjour,\n\nNathan peut recevoir cet automne son vaccin contre l’influenza. Nous en "
        "offrons le samedi 9 h à midi, sans rendez-vous.\n\nSouhaitez-vous que nous lui réservions "
        "une place ? Répondez-nous ici.\n\nDre Sofia Haddad",
        patient="nathan",
        may_answer=True,
        is_unread=True,
    ),
)

LONG = Talk(
    47,
    "nurses",
    "Renouvellement de Néo-Mercazole",
    "Bonjour Heather,\n\nVotre pharmacie nous demande de renouveler le Néo-Mercazole (carbimazole) "
    "5 mg. Avant de le faire, pouvez-vous nous dire combien de comprimés il vous reste et si vous "
    "avez eu de la fièvre ou un mal de gorge ?",
    may_answer=True,
    then=(
        Said(
            "patient",
            5,
            "Bonjour, il me reste 9 comprimés. Pas de fièvre, mais la gorge un peu irritée depuis "
            "hier. Je prends de l’acétaminophène au besoin.",
        ),
        Said(
            "clinic",
            18,
            "Merci. Avec ce médicament, un mal de gorge demande toujours une formule sanguine. "
            "Une ordonnance vous attend à l’accueil de Rosemont. Pouvez-vous y passer demain ?",
            may_answer=True,
        ),
        Said("patient", 3, "Oui, je peux y être à 8 h, avant le travail."),
        Said(
            "clinic",
            26,
            "C’est noté. Nous avons reçu vos résultats : les globules blancs sont normaux "
            "(5,8 × 10⁹/L). Le renouvellement est envoyé à votre pharmacie. La gorge va-t-elle "
            "mieux ?",
            may_answer=True,
        ),
        Said("patient", 4, "Beaucoup mieux, merci ! Est-ce que je garde le même dosage ?"),
        Said(
            "clinic",
            20,
            "Oui, 5 mg deux fois par jour. La Dre Roy aimerait un dosage de TSH dans six semaines. "
            "Vous convient-il que nous vous envoyions l’ordonnance ici ?",
            may_answer=True,
        ),
        Said("patient", 9, "Parfait, envoyez-la ici. Merci beaucoup de votre suivi."),
        Said(
            "clinic",
            16,
            "Voilà qui est fait. Si la fièvre ou le mal de gorge revient, appelez-nous le jour "
            "même, ou composez le 811 en dehors des heures d’ouverture.",
            may_answer=True,
        ),
        Said("patient", 2, "Compris. Bonne fin de journée à toute l’équipe."),
    ),
    is_closed=True,
)

OLDER = (
    Talk(
        9,
        "reception",
        "Requis pour votre prochain rendez-vous",
        "Bonjour Heather,\n\nEn vue de votre prochaine visite, préparez votre liste de médicaments "
        "à jour, vitamines comprises, et apportez vos contenants.\n\nUn empêchement ? Répondez à "
        "ce message et nous vous proposerons un autre moment.",
        may_answer=True,
    ),
    Talk(
        6,
        "reception",
        "Liste d’attente en dermatologie",
        "Bonjour Heather,\n\nMerci de confirmer avec nous une fois que votre inscription sur la "
        "liste d’attente est complétée.",
        may_answer=True,
        then=(Said("patient", 29, "Bonjour, je suis inscrite pour le mois de décembre. Merci"),),
    ),
    Talk(
        16,
        "roy",
        "Ajustement de votre médication",
        "Bonjour Heather,\n\nÀ la suite de notre appel, vous pouvez prendre la lévothyroxine le "
        "soir, trois heures après le repas, si le matin vous convient moins. L’important est de "
        "garder toujours la même heure.",
        may_answer=True,
        is_refused=True,
    ),
    _results(
        21,
        "roy",
        "Bilan sanguin",
        "Vos résultats sont bons. La ferritine est un peu basse : poursuivez le supplément de fer "
        "jusqu’au prochain contrôle.",
        FASTING,
        "Hémoglobine : 128 g/L (120 à 155)",
        "Ferritine : 22 µg/L (30 à 200)",
        "TSH : 2,1 mUI/L (0,4 à 4,0)",
        "Glycémie à jeun : 5,0 mmol/L (3,9 à 5,5)",
        "Créatinine : 64 µmol/L (45 à 90)",
    ),
    _bill(24, "Copie de dossier", Item("Copie numérique du dossier, 18 pages", 1800)),
    Talk(
        30,
        "reception",
        "Question sur un certificat médical",
        "Bonjour, mon employeur demande un certificat qui précise la date de retour. Pouvez-vous "
        "ajouter le 12 du mois ? Merci.",
        is_begun_by_patient=True,
        then=(
            Said(
                "clinic",
                21,
                "Bonjour Heather,\n\nC’est fait : le certificat corrigé vous attend à l’accueil, "
                "et une copie est dans vos documents. Bonne reprise !",
            ),
        ),
    ),
    _paper(
        31,
        "records",
        "Certificat médical",
        "Bonjour Heather,\n\nVoici votre certificat avec la date de retour que vous avez demandée.",
        "Je certifie avoir examiné la personne nommée ci-dessus, qui est inapte au travail pour "
        "des raisons médicales.",
        "Retour prévu : le 12 du mois, sans restriction.",
        "Signé électroniquement par Dre Isabelle Roy.",
    ),
    Talk(
        38,
        "reception",
        "Vaccination contre l’influenza",
        "Bonjour,\n\nLa vaccination contre l’influenza et la COVID-19 est commencée. Elle est "
        "offerte sans rendez-vous le samedi, de 9 h à midi, à Rosemont. Apportez votre carte "
        "d’assurance maladie.",
    ),
    LONG,
    _bill(
        55,
        "Note pour l’employeur",
        Item("Certificat médical pour l’employeur", 3500),
    ),
    _paper(
        62,
        "bouchard",
        "Medical certificate for travel insurance",
        "Hello Heather,\n\nHere is the certificate your travel insurer asked for. Please keep a "
        "copy with your passport, and call us if the insurer needs anything else.\n\nDr Étienne "
        "Bouchard",
        "To whom it may concern,",
        "The person named above is followed at our clinic. Her condition has been stable for more "
        "than 90 days and her treatment has not changed during that time.",
        "She is fit to travel. She carries the following medications for personal use: "
        "carbimazole 5 mg, levothyroxine 50 mcg.",
    ),
    _results(
        71,
        "lavoie",
        "Test de dépistage du col",
        "Bonne nouvelle : le test est négatif. Le prochain est prévu dans cinq ans.",
        "Test VPH : négatif.",
        "Prochain dépistage recommandé dans cinq ans, selon le programme québécois.",
    ),
    Talk(
        78,
        "billing",
        "Remboursement traité",
        "Bonjour Heather,\n\nLe montant payé en double le mois dernier (35,00 $) a été remboursé "
        "sur votre carte. Il paraîtra sur votre relevé d’ici cinq jours ouvrables.",
        is_closed=True,
    ),
    _paper(
        85,
        "records",
        "Formulaire d’inscription",
        "Bonjour Heather,\n\nVoici votre formulaire d’inscription, rempli avec ce que nous avons "
        "au dossier. Vérifiez-le et signalez-nous tout changement à votre prochaine visite.",
        "Pharmacie : Pharmacie du Marché, rue Beaubien Est.",
        "Allergies connues : pénicilline (urticaire).",
        "Personne à joindre en cas d’urgence : à compléter.",
        "Médecin de famille : Dre Isabelle Roy.",
    ),
    Talk(
        92,
        "reception",
        "Rappel : suivi virtuel",
        "Bonjour Heather,\n\nVotre suivi virtuel approche. Le lien de la rencontre se trouve dans "
        "le détail de votre rendez-vous. Ouvrez-le cinq minutes à l’avance, depuis un endroit "
        "calme.",
    ),
    _bill(
        103,
        "Formulaire de garderie",
        Item("Rédaction d’un formulaire médical", 4500),
        Item("Copie supplémentaire", 500),
    ),
    _results(
        110,
        "roy",
        "Radiographie du genou droit",
        "La radiographie ne montre ni fracture ni arthrose. La physiothérapie est la bonne suite.",
        "Examen : genou droit, face et profil.",
        "Interlignes articulaires conservés. Pas d’épanchement. Pas de lésion osseuse.",
    ),
    Talk(
        118,
        "nurses",
        "Préparation de votre prise de sang",
        "Bonjour Heather,\n\nPour la prise de sang de la semaine prochaine, restez à jeun 12 "
        "heures. Prenez vos médicaments comme d’habitude, sauf la lévothyroxine, que vous prendrez "
        "après.",
        may_answer=True,
        then=(
            Said("patient", 6, "Est-ce que le café noir est permis ?"),
            Said("clinic", 17, "Bonjour, non : de l’eau seulement. Bonne prise de sang !"),
        ),
        is_closed=True,
    ),
    Talk(
        126,
        "reception",
        "Fermeture pour la fête nationale",
        "Bonjour,\n\nLa clinique sera fermée le jour férié. En cas de besoin, composez Info-Santé "
        "811 ; en cas d’urgence, le 911.",
    ),
    _paper(
        140,
        "cote",
        "Conseils après une biopsie de la peau",
        "Bonjour Heather,\n\nVoici les soins de la petite plaie. Les points se retirent dans dix "
        "jours, sans rendez-vous, aux soins infirmiers.",
        "Gardez le pansement sec 24 heures, puis lavez à l’eau et au savon doux chaque jour.",
        "Appliquez une mince couche de vaseline et couvrez.",
        "Appelez-nous en cas de rougeur qui s’étend, de chaleur, de pus ou de fièvre.",
    ),
    _results(
        147,
        "cote",
        "Biopsie de la peau",
        "Le grain de beauté retiré est bénin. Aucun autre traitement n’est nécessaire.",
        "Nævus composé, marges saines. Absence d’atypie.",
    ),
    _bill(
        160,
        "Vaccins de voyage",
        Item("Consultation santé-voyage", 8000, is_taxed=False),
        Item("Vaccin contre l’hépatite A", 7200, is_taxed=False),
        Item("Frais d’administration", 2000),
    ),
    Talk(
        172,
        "lavoie",
        "Après votre consultation",
        "Bonjour Heather,\n\nComme convenu, prenez l’acide folique 0,4 mg tous les jours. Notez la "
        "date de vos règles dans l’application ou le calendrier de votre choix et apportez-la à "
        "notre prochaine rencontre.\n\nDre Marie-Ève Lavoie",
    ),
    Talk(
        185,
        "reception",
        "Nouvelles heures d’ouverture à Villeray",
        "Bonjour,\n\nNotre point de service de Villeray est maintenant ouvert jusqu’à 19 h le "
        "mardi et le jeudi.",
    ),
    _paper(
        196,
        "roy",
        "Plan d’exercices pour le genou",
        "Bonjour Heather,\n\nVoici les exercices montrés à la clinique : deux séries par jour, "
        "sans dépasser une douleur de 3 sur 10.",
        "1. Contraction du quadriceps, jambe allongée : 10 fois 5 secondes.",
        "2. Élévation de la jambe tendue : 10 fois de chaque côté.",
        "3. Demi-flexion contre un mur : 8 fois, dos appuyé.",
        "4. Étirement du mollet : 30 secondes de chaque côté.",
    ),
    Talk(
        8,
        "nurses",
        "Supplément de fer",
        "Bonjour, le supplément de fer me donne mal au cœur. Puis-je le prendre avec de la "
        "nourriture ou aux deux jours ?",
        is_begun_by_patient=True,
        then=(
            Said(
                "clinic",
                23,
                "Bonjour Heather,\n\nOui aux deux : prenez-le un jour sur deux, avec un petit "
                "repas, mais à distance du café, du thé et des produits laitiers.",
                may_answer=True,
            ),
            Said("patient", 48, "Merci, c’est déjà mieux."),
        ),
    ),
    _bill(215, "Certificat d’aptitude sportive", Item("Examen et certificat d’aptitude", 6500)),
    _results(
        228,
        "roy",
        "Échographie de la thyroïde",
        "La glande est de taille normale, avec un petit nodule bénin de 6 mm. Nous le reverrons "
        "dans un an.",
        "Lobe droit : 4,6 × 1,5 × 1,4 cm. Lobe gauche : 4,4 × 1,4 × 1,3 cm.",
        "Nodule spongiforme de 6 mm au lobe gauche, TI-RADS 1.",
    ),
    Talk(
        241,
        "nguyen",
        "Après votre visite pour le mal de gorge",
        "Bonjour Heather,\n\nLe test rapide est négatif : c’est un virus. Repos, hydratation, "
        "acétaminophène 500 mg aux six heures au besoin. Revenez si la fièvre dépasse trois jours.",
    ),
    _bill(252, "Rendez-vous manqué", Item("Frais de rendez-vous non annulé", 4000, is_taxed=False)),
    Talk(
        264,
        "billing",
        "Frais de rendez-vous manqué",
        "Bonjour, j’avais annulé ce rendez-vous la veille par téléphone. Pouvez-vous vérifier ?",
        is_begun_by_patient=True,
        then=(
            Said(
                "clinic",
                44,
                "Bonjour Heather,\n\nVous avez raison, votre appel est bien noté. Les frais sont "
                "annulés. Toutes nos excuses.",
            ),
        ),
        is_closed=True,
    ),
    _paper(
        280,
        "records",
        "Relevé de vaccination",
        "Bonjour Heather,\n\nVoici votre relevé, tel qu’inscrit au registre québécois.",
        "Tétanos-diphtérie-coqueluche : à jour, prochaine dose dans sept ans.",
        "Hépatite A et B : série complète.",
        "Influenza : dernière dose l’automne dernier.",
    ),
    Talk(
        295,
        "reception",
        "Mise à jour de vos coordonnées",
        "Bonjour Heather,\n\nMerci d’avoir mis vos coordonnées à jour. Votre pharmacie est "
        "maintenant inscrite au dossier.",
    ),
    Talk(
        305,
        "roy",
        "Renouvellement d’ordonnance effectué",
        "Bonjour Heather,\n\nLe renouvellement demandé est envoyé à votre pharmacie pour douze "
        "mois.",
    ),
    _bill(320, "Formulaire pour l’école", Item("Rédaction d’un formulaire scolaire", 2500)),
    _results(
        335,
        "roy",
        "Bilan lipidique",
        "Votre cholestérol est bien maîtrisé. On refait le bilan dans deux ans.",
        FASTING,
        "Cholestérol total : 4,6 mmol/L",
        "LDL : 2,5 mmol/L",
        "HDL : 1,5 mmol/L",
        NORMAL,
    ),
    Talk(
        350,
        "reception",
        "Le portail fait peau neuve",
        "Bonjour,\n\nVous pouvez maintenant lire vos résultats et vos factures sur le portail, et "
        "répondre à certains messages. Nous vous écrirons par courriel dès qu’il y aura du "
        "nouveau.",
    ),
    _paper(
        362,
        "nurses",
        "Mesurer sa tension à la maison",
        "Bonjour Heather,\n\nVoici notre feuillet sur la mesure de la tension artérielle à "
        "domicile.",
        "Asseyez-vous, le dos appuyé, les pieds à plat, et reposez-vous cinq minutes.",
        "Placez le brassard sur le bras nu, à la hauteur du cœur. Ne parlez pas pendant la mesure.",
    ),
    Talk(
        378,
        "reception",
        "Rappel : examen annuel",
        "Bonjour Heather,\n\nIl est temps de planifier votre examen de santé périodique. Vous "
        "pouvez le réserver sur le portail ou par téléphone.",
    ),
    _results(
        396,
        "roy",
        "Examen annuel",
        "Tout est beau ! Merci d’avoir été aussi bien préparée.",
        FASTING,
        "Hémoglobine : 131 g/L (120 à 155)",
        "Vitamine B12 : 310 pmol/L (150 à 600)",
        "TSH : 1,8 mUI/L (0,4 à 4,0)",
        NORMAL,
    ),
    _bill(
        405,
        "Examen pour assurance vie",
        Item("Examen médical pour l’assureur", 22000),
        Item("Copie du rapport", 1500),
    ),
    Talk(
        421,
        "nurses",
        "Conseils pour le voyage",
        "Bonjour Heather,\n\nPour votre séjour, pensez au répulsif à l’icaridine, à la crème "
        "solaire et aux sels de réhydratation. Buvez de l’eau embouteillée.",
    ),
    _paper(
        440,
        "records",
        "Copie de la demande de consultation en dermatologie",
        "Bonjour Heather,\n\nVotre demande de consultation a été transmise. Le délai est d’environ "
        "huit semaines ; le centre vous appellera.",
        "Motif : lésion pigmentée du dos, 7 mm, à évaluer.",
        "Priorité : D (huit semaines).",
    ),
    _bill(462, "Copie de dossier (transfert)", Item("Transfert de dossier", 3000)),
    Talk(
        480,
        "reception",
        "Stationnement à Rosemont",
        "Bonjour,\n\nEn raison de travaux rue Beaubien, le stationnement est fermé jusqu’au "
        "printemps. Le métro est à cinq minutes à pied.",
    ),
    _results(
        505,
        "roy",
        "Contrôle de la ferritine",
        "La ferritine remonte bien. Continuez encore trois mois.",
        "Ferritine : 34 µg/L (30 à 200)",
        NORMAL,
    ),
    Talk(
        530,
        "nguyen",
        "Suivi de votre éruption",
        "Bonjour Heather,\n\nSi l’éruption ne s’est pas résorbée après une semaine de crème, "
        "prenez un rendez-vous d’accès adapté.",
    ),
    _bill(548, "Retrait de verrues", Item("Cryothérapie, deux lésions", 6000)),
    _paper(
        570,
        "records",
        "Attestation de présence",
        "Bonjour Heather,\n\nVoici l’attestation de votre présence à la clinique.",
        "Nous attestons que la personne nommée ci-dessus s’est présentée à la clinique pour un "
        "rendez-vous, de 9 h à 10 h 15.",
    ),
    Talk(
        600,
        "reception",
        "Vaccination : horaire d’hiver",
        "Bonjour,\n\nDernières plages de vaccination de la saison : les deux prochains samedis, de "
        "9 h à midi.",
    ),
    _results(
        648,
        "cote",
        "Examen de la peau",
        "Rien d’inquiétant : protégez-vous du soleil et revenez si un grain de beauté change.",
        "Examen complet de la peau, dermoscopie de quatre lésions. Aucune lésion suspecte.",
    ),
    _bill(690, "Certificat médical", Item("Certificat médical", 3000)),
    Talk(
        720,
        "reception",
        "Bienvenue sur le portail",
        "Bonjour Heather,\n\nVos communications avec la clinique arriveront désormais ici. Un "
        "courriel vous préviendra de chacune.\n\nL’équipe de l’accueil",
    ),
    _paper(
        66,
        "haddad",
        "Courbe de croissance de Nathan",
        "Bonjour,\n\nNathan grandit très bien ! Voici sa courbe à jour pour son dossier.",
        "Taille : 131 cm (60e percentile). Poids : 28,4 kg (58e percentile).",
        "Vision et audition : normales.",
        patient="nathan",
    ),
)
TALKS = (*FRESH, *OLDER)
