"""Words by which single values are understood; patterns are RE2's, and are tried in their order.

Texts are compared in small letters and without accents.
"""

from __future__ import annotations

YES = (
    "true", "t", "yes", "y", "1", "1.0", "x", "on", "checked", "agreed", "granted", "opted in", "opt-in", "subscribed",
    "won", "closed won", "converted", "ja", "wahr", "oui", "vrai", "si", "sí", "verdadero", "sim",
)  # fmt: skip
NO = (
    "false", "f", "no", "n", "0", "0.0", "off", "none", "unchecked", "denied", "revoked", "opted out", "opt-out",
    "unsubscribed", "lost", "closed lost", "not converted", "nein", "falsch", "non", "faux", "falso", "não", "nao",
)  # fmt: skip
SENIORITY = (
    ("student", r"\b(student|intern|internship|trainee|apprentice|praktikant(in)?|werkstudent(in)?|stagiaire"
     r"|becari[oa])\b"),
    ("entry", r"\b(executive|personal|administrative|team) assistant\b|\bassistant (to|of)\b|\bassistenz\b"),
    ("manager", r"\bproduct owner\b"),
    ("vp", r"\b(vp|svp|evp|avp)\b|\bvice[ -]?president"),
    ("owner", r"\b(owner|(co-?)?founder|proprietor|inhaber(in)?|grunder(in)?|(co)?fondat(eur|rice)"
     r"|propietari[oa]|fundador)"),
    ("c_level", r"\bchief\b|\bc[a-z]{1,2}o\b|\bpresident\b|\bmanaging director\b|\bgeneral manager\b|\bgeschaftsfuhr"
                r"|\bvorstand|\bpdg\b|\bdirect(eur|or|rice) general|\bgerente general\b"),
    ("director", r"\b(director|head|directeur|directrice|direktor(in)?|directora?|dean)\b|leiter(in)?\b"),
    ("manager", r"\b(manager|lead|leader|supervisor|foreman|responsable|gerente|jef[ea]|chef|teamleiter"
     r"|superintendent)\b"),
    ("senior", r"\b(senior|sr|principal|expert|architect|fellow|specialist iii)\b"),
    ("entry", r"\b(junior|jr|assistant|associate|entry|coordinator|graduate|clerk)\b"),
)  # fmt: skip
DEPARTMENTS = (
    ("human_resources", r"\b(hr|human resources?|people|talent|recruit\w*|personal(leiter|referent)\w*|chro|rrhh)\b"),
    ("marketing", r"\bmarketing|\b(cmo|brand|content|seo|sem|growth|demand gen\w*|communications?|kommunikation|pr|"
                  r"public relations|social media)\b"),
    ("sales", r"\bsales|\b(account (executive|manager)|business development|bdr|sdr|vertrieb\w*|commercial"
     r"|ventas|cro|"
              r"revenue)\b"),
    ("support", r"\b(support|customer (success|service|care)|help ?desk|service desk|kundendienst|kundenservice)\b"),
    ("procurement", r"\b(procurement|purchas\w+|buyer|einkauf\w*|einkaufer\w*|sourcing|achats?|compras)\b"),
    ("legal", r"\b(legal|counsel|lawyer|attorney|compliance|jurist\w*|paralegal|solicitor)\b"),
    ("finance", r"\b(finance|financ\w+|finanz\w*|cfo|account(ing|ant)|controller|treasur\w+|audit\w*|tax"
     r"|buchhalt\w*)\b"),
    ("design", r"\b(design\w*|ux|ui|creative|art director|illustrator)\b"),
    ("data", r"\b(data|analytics|analyst|business intelligence|bi|machine learning|statistic\w*|daten\w*)\b"),
    ("it", r"\b(it|information (technology|systems)|cio|ciso|sys ?admin\w*|systems? administrator|network|security|"
           r"infrastructure|informatique)\b"),
    ("product", r"\bproduct\b|\bproduit\b|\bcpo\b"),
    ("engineering", r"\bengineer|\b(developer|software|cto|devops|architect|entwickl\w*|ingenieur\w*|programmer|r&d|"
                    r"technology|technical|technik\w*|qa|sre|developpeu\w*)\b"),
    ("operations", r"\b(operations?|coo|logisti\w*|supply chain|produc(tion|cion)|manufacturing|warehouse"
     r"|facilit\w+|project"
                   r"|program(me)?|plant|betrieb\w*)\b"),
    ("health", r"\b(doctor|physician|nurse|medical|health\w*|clinic\w*|pharma\w*|dentist|surgeon|arzt|arztin)\b"),
    ("education", r"\b(teacher|professor|lecturer|school|dean|student|research\w*|university|education\w*"
     r"|lehrer\w*)\b"),
    ("executive", r"\b(ceo|(co-?)?founder|owner|managing director|president|general manager|executive|chief"
     r"|proprietor|"
                  r"inhaber\w*|pdg|board)\b|\bgeschaftsfuhr|\bdirect(eur|or|rice) general|\bgerente general\b"),
)  # fmt: skip
STATUSES = (
    ("new", r"\b(not (yet )?contacted|uncontacted|untouched)\b"),
    ("customer", r"\b(customer|won|converted|client|evangelist|kunde|cliente)\b"),
    ("unsubscribed", r"unsub|opt(ed)?[ -]?out|do not|\bdnc\b|bounced"),
    (
        "lost",
        r"\b(lost|dead|junk|not interested|closed|bad|spam|verloren|perdu|perdido)\b|unqualif|disqualif|not qualif",
    ),
    ("qualified", r"qualif|\b(sql|mql|opportunity|hot|interested|demo|proposal|negotiation)\b"),
    (
        "working",
        r"\bwork|contact|progress|\bopen\b|nurtur|attempt|\bwarm\b|engaged|assigned|subscriber|meeting"
        r"|called",
    ),
)
LEGAL_FORMS = (
    "inc|incorporated|llc|llp|lp|ltd|limited|plc|corp|corporation|co|company|gmbh|mbh|ggmbh|ag|kg|kgaa|ohg|ug|se|ev|sa"
    "|sas|sasu|sarl|sl|slu|srl|spa|snc|bv|nv|vof|oy|oyj|ab|as|asa|aps|kft|zrt|doo|sro|pty|pte|pvt|private|kk"
    "|sp z oo|ltda|eirl"
)
