/* The operators' page on what a write refuses and who refuses it: build/debug/rules_page >deploy/docs/refusals.md */
#include "relayer/relay_steps.h"

#include <stdio.h>

static const char head[] =
    "# What a write refuses, and who refuses it\n"
    "\n"
    "Before anything is sent, each call passes rules (`relayer/relay_rules.c`), the verdict on its evidence, the registry's model (`predict`) and a\n"
    "simulation. This page is the table of what they find: what the contract would refuse as well, found here first and for free, and what it\n"
    "would take and only we refuse. It is printed from the tables by `rules_page` (tests/tools); `tests/e2e/refusals` walks it, and fails where\n"
    "a row has no case. What else the chain takes and we refuse, and every error of the contract step by step: registry-laxities.md.\n"
    "\n"
    "\"takes it\" is the contract's answer where only we refuse; \"-\" stands where there is nothing to refuse in that generation.\n"
    "\n"
    "## Rules\n"
    "\n"
    "| id | calls | what is said | G1a | G1b | G1c |\n"
    "|---|---|---|---|---|---|\n";

static const char middle[] = "\n"
                             "## Found by the verdict, the model, the pin\n"
                             "\n"
                             "| id | calls | what is found | G1a | G1b | G1c | here |\n"
                             "|---|---|---|---|---|---|---|\n";

static const char tail[] =
    "\n"
    "A nonce that moved without us (somebody sent our quote as a plain re-attestation) needs no rule: the call is built anew from what the chain\n"
    "says at every run, and once more where it is overtaken on its way. A call that an earlier run has begun is finished before another one for the same identity begins. In G1a, where\n"
    "deployments may differ in the form of their messages, a signature that the contract refuses is tried in the second form before anything is said.\n";

/* Beyond the rules: found where evidence is judged, where the model is asked, or where the registry is opened. */
static const struct {
    const char *id, *calls, *found, *contract[PROFILE_G1C + 1], *here;
} others[] = {
    {"find.identity", "register", "the evidence is bound to another identity",
     {NULL, "`CVM_IDENTITY_MISMATCH(bytes32,bytes32)`", "the same", "the same"}, "`binding.identity`"},
    {"find.place", "register, reattest, rotate", "it was made for another registry, chain or call",
     {NULL, "takes it", "takes it", "takes it"}, "`tail.binding`"},
    {"find.age", "register, reattest, rotate", "it is too old, or has no tail that says", {NULL, "takes it", "takes it", "takes it"},
     "`tail.age`, `tail.present`; `--allow-foreign-evidence` takes the second"},
    {"find.pcrs", "register, reattest, rotate", "the PCRs are not those that were quoted",
     {NULL, "`FAILED_TO_CHECK_PCR_MEASUREMENTS(string)`, `INVALID_TPM_MEASUREMENT(string)`", "`PcrDigestMismatch()`", "the same"},
     "`tpm.pcr_digest`"},
    {"find.tpm_signature", "register", "the quote's signature does not fit", {NULL, "takes it", "errors of the TPM contract", "the same"},
     "`tpm.signature`"},
    {"find.nonce", "reattest, rotate, set-ttl", "a signature that the evidence brings is over another nonce, registry or chain",
     {NULL, "`INVALID_SIGNATURE()`", "the same", "the same"}, "refused, or signed anew where the key is here"},
    {"find.no_key", "reattest, rotate, set-ttl", "the identity's key is not here and the evidence brings no signature",
     {NULL, "`INVALID_SIGNATURE()`", "the same", "the same"}, "refused (G1c: register as well)"},
    {"find.report_used", "register", "the TEE report was attested with before", {NULL, "takes it", "takes it", "`TEE_REPORT_ALREADY_USED()`"},
     "G1c: refused by the model; else what is fresh is left alone, and `--early` attests all the same"},
    {"find.measurement", "register, reattest, rotate", "the measurement differs from the one on record",
     {NULL, "takes it", "takes it", "takes it"}, "refused; `--accept-measurement` takes it"},
    {"find.code", "any", "the registry's code is not what was pinned", {NULL, "-", "-", "-"},
     "refused; `--accept-implementation` takes it, in whichever generation stands there now"},
    {"find.profile", "any", "another generation stands there than is configured", {NULL, "no such function", "the same", "the same"}, "refused"},
    {"find.difference", "any", "a node answers the call otherwise than the registry's model", {NULL, "its own answer", "the same", "the same"},
     "kept, and every write refused; `--accept-difference` takes it (`--dry-run` shows both answers)"},
    {"find.key_in_use", "identity purge", "the chain names the key, or a rotation with it is not final", {NULL, "-", "-", "-"}, "refused"},
};

static void put_calls(const struct relay_rule *r)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {{1u << CALL_ATTEST, "register"}, {1u << CALL_REATTEST, "reattest"}, {RELAY_ROTATE, "rotate"}, {1u << CALL_SET_TTL, "set-ttl"}};
    const char *between = "";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (r->calls & names[i].bit) {
            printf("%s%s", between, names[i].name);
            between = ", ";
        }
}

static void put_rule(const struct relay_rule *r)
{
    printf("| `%s` | ", r->id);
    put_calls(r);
    printf(" | %s |", r->words);
    for (enum profile p = PROFILE_G1A; p <= PROFILE_G1C; p++)
        if (!(r->profiles & 1u << p))
            printf(" - |");
        else if (r->raised_in & 1u << p)
            printf(" `%s` |", r->contract);
        else
            printf(" takes it |");
    putchar('\n');
}

int main(void)
{
    fputs(head, stdout);
    for (size_t i = 0; i < num_relay_rules; i++)
        put_rule(&relay_rules[i]);
    fputs(middle, stdout);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        printf("| `%s` | %s | %s | %s | %s | %s | %s |\n", others[i].id, others[i].calls, others[i].found, others[i].contract[PROFILE_G1A],
               others[i].contract[PROFILE_G1B], others[i].contract[PROFILE_G1C], others[i].here);
    fputs(tail, stdout);
    return 0;
}
