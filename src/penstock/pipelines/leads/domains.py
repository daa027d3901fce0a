"""Domains and names of e-mail addresses that say whose an address is. Data, to be extended by ``rules.toml``."""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Providers that give an address to anyone.
FREE = _words(
    """
    gmail.com googlemail.com yahoo.com yahoo.co.uk yahoo.fr yahoo.de yahoo.es yahoo.it yahoo.ca yahoo.com.br
    yahoo.co.in yahoo.in yahoo.co.jp yahoo.com.au yahoo.com.mx yahoo.com.ar ymail.com rocketmail.com hotmail.com
    hotmail.co.uk hotmail.fr hotmail.de hotmail.es hotmail.it outlook.com outlook.de outlook.fr outlook.es live.com
    live.co.uk live.fr live.de live.nl live.com.mx msn.com icloud.com me.com mac.com aol.com aol.co.uk aim.com gmx.com
    gmx.de gmx.net gmx.at gmx.ch web.de t-online.de freenet.de arcor.de posteo.de mailbox.org orange.fr wanadoo.fr
    free.fr laposte.net sfr.fr neuf.fr bbox.fr libero.it virgilio.it tiscali.it alice.it tin.it telefonica.net
    terra.com.br uol.com.br bol.com.br ig.com.br btinternet.com virginmedia.com sky.com talktalk.net ntlworld.com
    comcast.net verizon.net att.net sbcglobal.net bellsouth.net cox.net charter.net earthlink.net juno.com
    optonline.net rogers.com shaw.ca sympatico.ca telus.net bigpond.com optusnet.com.au xtra.co.nz mail.ru yandex.ru
    yandex.com ya.ru bk.ru list.ru inbox.ru rambler.ru ukr.net wp.pl o2.pl onet.pl interia.pl seznam.cz centrum.cz
    azet.sk freemail.hu citromail.hu abv.bg qq.com 163.com 126.com sina.com sohu.com yeah.net foxmail.com naver.com
    daum.net hanmail.net nate.com rediffmail.com proton.me protonmail.com pm.me tutanota.com tutamail.com tuta.io
    hushmail.com fastmail.com fastmail.fm zoho.com zohomail.com mail.com email.com usa.com hey.com duck.com skynet.be
    telenet.be ziggo.nl kpnmail.nl planet.nl home.nl hetnet.nl xs4all.nl bluewin.ch sunrise.ch chello.at aon.at
    telia.com online.no sapo.pt walla.co.il netvision.net.il
    """
)
# Services that give an address for minutes.
DISPOSABLE = _words(
    """
    mailinator.com mailinator.net guerrillamail.com guerrillamail.net guerrillamail.org guerrillamail.biz
    guerrillamail.de guerrillamailblock.com grr.la sharklasers.com pokemail.net spam4.me 10minutemail.com
    10minutemail.net 10minutemail.org 20minutemail.com 30minutemail.com temp-mail.org temp-mail.io tempmail.com
    tempmail.net tempmail.de tempmailo.com tempmailaddress.com tempail.com tempr.email tempinbox.com tempemail.net
    throwawaymail.com throwaway.email throwam.com trashmail.com trashmail.net trashmail.de trashmail.me trash-mail.com
    trash-mail.de trashmail.ws yopmail.com yopmail.fr yopmail.net cool.fr.nf jetable.fr.nf jetable.org nospam.ze.tc
    dispostable.com disposablemail.com disposable.email discard.email discardmail.com discardmail.de getnada.com
    nada.email maildrop.cc mailnesia.com mailcatch.com mailnull.com mailexpire.com mailmoat.com mailsac.com
    mailtemp.info mailtothis.com mailforspam.com mailzilla.com mintemail.com moakt.com mohmal.com mytrashmail.com
    mytemp.email fakeinbox.com fakemail.net fakemailgenerator.com armyspy.com cuvox.de dayrep.com einrot.com
    fleckens.hu gustr.com jourrapide.com rhyta.com superrito.com teleworm.us emailondeck.com emailfake.com
    email-fake.com generator.email burnermail.io burnermail.com spamgourmet.com spambog.com spambog.de spambox.us
    spamex.com spamfree24.org spamhole.com spaml.de spamspot.com spam.la incognitomail.org incognitomail.com
    anonbox.net anonymbox.com antispam.de bugmenot.com deadaddress.com despam.it dodgeit.com dodgit.com e4ward.com
    emailigo.de emailsensei.com emailtemporanea.com emailtemporario.com.br emailwarden.com filzmail.com getairmail.com
    getonemail.com gishpuppy.com great-host.in harakirimail.com haltospam.com hidemail.de imgof.com inboxalias.com
    inboxbear.com inboxkitten.com instant-mail.de kasmail.com killmail.com klzlk.com kurzepost.de lifebyfood.com
    linshiyouxiang.net lroid.com luxusmail.org mail-temporaire.fr mail-temp.com mailde.de maileater.com mailimate.com
    mailme.lv mailmetrash.com mailscrap.com mailshell.com mailslite.com meltmail.com minuteinbox.com mt2015.com
    mvrht.com mycleaninbox.net noclickemail.com nomail.xl.cx nowmymail.com objectmail.com obobbo.com onewaymail.com
    owlpic.com proxymail.eu rcpt.at recode.me rmqkr.net s0ny.net safetymail.info sneakemail.com sogetthis.com
    soodonims.com stop-my-spam.com tafmail.com tagyourself.com thankyou2010.com tmail.ws tmpmail.org tmpmail.net
    tmails.net trbvm.com twinmail.de tyldd.com uggsrock.com upliftnow.com venompen.com vomoto.com wegwerfmail.de
    wegwerfmail.net wegwerfemail.de wegwerfadresse.de wh4f.org whyspam.me willselfdestruct.com wuzup.net xagloo.com
    xemaps.com xents.com xmaily.com zehnminutenmail.de zippymail.info zoemail.org 1secmail.com 1secmail.net
    1secmail.org 33mail.com cock.li dropmail.me emltmp.com mail.tm mail.gw internxt.com smailpro.com luxusmail.com
    tempmail.plus fexpost.com
    """
)
# Addresses that belong to a function of a company and to no person.
ROLES = _words(
    """
    abuse accounting accounts admin administracion administration administrator ads all billing bonjour booking
    bookings buchhaltung careers comercial commercial communications compliance contact contacto contactus contato
    contatti customercare customerservice customersupport datenschutz direction dpo editor einkauf empfang enquiries
    enquiry everyone events export facturacion feedback finance ftp general hello help helpdesk hi hola hostmaster hr
    info information informations inquiries inquiry investors it jobs kontakt kundenservice legal mail mailbox
    mailer-daemon marketing media moin newsletter no-reply noc noreply office orders personal post postmaster press
    presse privacy procurement purchasing reception recruiting recruitment registrar remove request root rrhh sales
    sales1 salesteam secretariat security sekretariat service services shop spam staff subscribe support sysadmin team
    tech technical test unsubscribe usenet uucp ventas verkauf vertrieb webmaster webshop welcome www zentrale
    """
)
# Providers by whom dots in the name mean nothing.
DOTLESS = frozenset({"gmail.com", "googlemail.com"})
# Providers by whom what follows a plus sign is the owner's own remark.
TAGGED = DOTLESS | _words(
    "outlook.com hotmail.com live.com icloud.com me.com fastmail.com proton.me protonmail.com pm.me zoho.com"
)


def kind(domain: str, local: str) -> str:
    """Returns whose an address is; both parts in small letters."""
    if domain in DISPOSABLE or domain.partition(".")[2] in DISPOSABLE:
        return "disposable"
    if local.partition("+")[0] in ROLES:
        return "role"
    return "free" if domain in FREE else "business"
