/* Binding and rebind (protocol.md §2), for SPIN: which phone is bound in the end, whoever saw the QR code and
 * whichever replies are lost.
 *
 * The server answers one request of a sitting at a time, so each request is one atomic step.  A lost request
 * changes nothing and is left out; a lost reply makes its sender ask again.  Everything that could go on for ever
 * (losses, lapses, the attacker's tries, impatience) is bounded, so every run must end, and with the phone in the
 * candidate's hand bound: any other end is an invalid one, and so is going round for ever (checked apart, pan -l).
 *
 * Each of these switches takes away one rule; the check must then fail:
 *   OFFER_NOT_CONSUMED        a claim leaves its offer open to others
 *   CONFIRM_NAMES_NO_KEY      the laptop confirms whoever is pending
 *   CLAIM_ANSWERED_ONCE       the claim of the same secret and key again is not answered again
 *   REFUSAL_OPENS_NO_OFFER    after "not my phone" there is nothing to scan
 *   REBIND_KEEPS_THE_OLD      confirming another phone does not replace the one before
 */

#define NOBODY 0
#define FIRST 1                 /* the candidate's phone */
#define SECOND 2                /* the candidate's other phone, for the rebind */
#define ATTACKER 3              /* sees every QR code that the laptop shows */
#define PHONES 4
#define OFFERS 16

mtype = { nothing, claimed, refused, lapsed, bound, replaced };     /* what became of a phone's newest claim */
mtype = { unanswered, accepted, offer_used, offer_expired, wrong_stage };                   /* replies to a claim */

/* the sitting, as the server knows it */
byte offer = 1;                 /* the open one; 0: none */
byte offers = 1;                /* made so far: each has its own number, which stands for its secret */
byte spent_by[OFFERS];
byte pending = NOBODY;          /* the claim that the laptop page shows */
mtype stage[PHONES] = nothing;
byte claim_of[PHONES];          /* the offer of a phone's newest claim */
byte digits[PHONES];            /* its six digits: no two claims have the same */
byte generation;
byte openings = 1;              /* how often somebody entitled asked for a phone to be bound */

/* what the candidate holds and sees */
byte candidate = FIRST;
byte shown[PHONES];             /* digits on a phone's screen; 0: none */
bool asking[PHONES];            /* it has scanned and waits for the answer */

/* what may still go wrong */
byte losses = 2;
byte lapses = 2;
byte attacks = 2;
byte impatience = 1;

inline open_offer() {
    offers++;
    assert(offers < OFFERS);
    offer = offers
}

inline serve_claim(phone, secret, reply) {
    if
#ifndef CLAIM_ANSWERED_ONCE
    :: claim_of[phone] == secret -> reply = accepted
    :: claim_of[phone] != secret && spent_by[secret] != NOBODY && secret != offer -> reply = offer_used
#else
    :: spent_by[secret] != NOBODY && secret != offer -> reply = offer_used
#endif
    :: spent_by[secret] == NOBODY && secret != offer -> reply = offer_expired
    :: claim_of[phone] != secret && secret == offer && (stage[phone] == bound || stage[phone] == replaced) ->
        reply = wrong_stage
    :: claim_of[phone] != secret && secret == offer && stage[phone] != bound && stage[phone] != replaced ->
        digits[phone] = PHONES * secret + phone;
#ifdef OFFER_NOT_CONSUMED
        if      /* whoever may try as often as it likes draws the other's digits, too */
        :: spent_by[secret] != NOBODY -> digits[phone] = digits[spent_by[secret]]
        :: true
        fi;
#else
        offer = 0;
#endif
        spent_by[secret] = phone; claim_of[phone] = secret;
        stage[phone] = claimed; pending = phone;
        reply = accepted
    fi;
    /* A lost reply never turns a phone's own claim against it. */
    assert(reply != offer_used || spent_by[secret] != phone)
}

/* The laptop asks and then reads the page's state again: what it is answered does not matter. */
inline serve_confirm(key, looked_at) {
#ifdef CONFIRM_NAMES_NO_KEY
    key = pending;
#endif
    if
    :: key == NOBODY || stage[key] == bound || key != pending
    :: key != NOBODY && stage[key] != bound && key == pending ->
        assert(key == looked_at);           /* only the phone whose digits were compared is ever bound */
        generation++;
#ifndef REBIND_KEEPS_THE_OLD
        if :: stage[FIRST] == bound -> stage[FIRST] = replaced :: else fi;
        if :: stage[SECOND] == bound -> stage[SECOND] = replaced :: else fi;
#endif
        stage[key] = bound; pending = NOBODY;
        assert((stage[FIRST] == bound) + (stage[SECOND] == bound) + (stage[ATTACKER] == bound) == 1);
        assert(generation <= openings)      /* at most one phone is bound in each generation */
    fi
}

inline serve_refuse(key) {
    if
    :: key == pending && key != NOBODY ->
        stage[key] = refused; pending = NOBODY;
#ifndef REFUSAL_OPENS_NO_OFFER
        open_offer()
#endif
    :: else
    fi
}

proctype phone(byte me) {
    byte secret; mtype reply;
end_spare:
    candidate == me;
scan:
    if
    :: stage[me] == bound -> goto end_bound
    :: atomic { offer != 0 -> secret = offer; asking[me] = true }
    fi;
ask:
    if
    :: atomic { losses > 0 -> losses--; serve_claim(me, secret, reply); reply = unanswered }; goto ask
    :: atomic { serve_claim(me, secret, reply); secret = 0; asking[me] = false;
        if :: reply == accepted -> shown[me] = digits[me]; reply = unanswered
        :: else -> reply = unanswered; goto scan fi }
    fi;
    atomic { stage[me] != claimed -> shown[me] = 0 };       /* it reads its binding until this changes */
    if
    :: stage[me] == lapsed || stage[me] == refused -> goto scan
    :: else
    fi;
end_bound:
    stage[me] == replaced
}

/* Whoever saw the QR code: claims what the laptop shows, or what it showed before. */
proctype attacker() {
    byte secret; mtype reply;
end:
    do
    :: offer != 0 && secret != offer && attacks > 0 -> secret = offer
    :: atomic { secret != 0 && attacks > 0 -> attacks--; serve_claim(ATTACKER, secret, reply); reply = unanswered }
    od
}

proctype laptop() {
    byte key, number, looked_at;
end:
    do
    :: atomic { pending != NOBODY -> key = pending; number = digits[key] };     /* the page, just loaded */
        if
        :: atomic { shown[candidate] == number -> looked_at = candidate; number = 0 }; goto confirm
        :: atomic { shown[candidate] != 0 && shown[candidate] != number -> number = 0 }; goto refuse
        :: atomic { shown[candidate] == 0 && !asking[candidate] && stage[candidate] != bound -> number = 0 };
            goto refuse
        :: atomic { shown[candidate] == 0 && asking[candidate] && impatience > 0 -> impatience--; number = 0 };
            goto refuse
        :: atomic { pending != key -> key = 0; number = 0 }; goto end           /* the page has news */
        fi;
confirm:
        if
        :: atomic { losses > 0 -> losses--; serve_confirm(key, looked_at) }; goto confirm
        :: atomic { serve_confirm(key, looked_at); key = 0; looked_at = 0 }
        fi;
        goto end;
refuse:
        if
        :: atomic { losses > 0 -> losses--; serve_refuse(key) }; goto refuse
        :: atomic { serve_refuse(key); key = 0 }
        fi
    od
}

/* A claim that nobody answers gives way to a new offer. */
proctype clock() {
end:
    do
    :: atomic { lapses > 0 && pending != NOBODY ->
        lapses--; stage[pending] = lapsed; pending = NOBODY; open_offer() }
    od
}

/* The candidate asks for another phone, once, or not at all. */
proctype rebind() {
end:
    if
    :: atomic { stage[FIRST] == bound -> candidate = SECOND; openings++; open_offer() }
    :: true
    fi
}

init {
    atomic {
        run phone(FIRST); run phone(SECOND); run attacker(); run laptop(); run clock(); run rebind()
    }
}
