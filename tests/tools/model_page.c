/* The operators' page on what the registry accepts and refuses, from the model's rows: build/debug/model_page >deploy/docs/registry-laxities.md */
#include "relayer/registry/model.h"

#include <stdio.h>

static const char head[] =
    "# What the registry accepts and we refuse, and what it refuses\n"
    "\n"
    "Made from the rows of the registry's model by `model_page` (tests/tools); a test keeps page and rows together. Clauses are those of the\n"
    "description of the CVM Registry, generation 1.\n"
    "\n"
    "`predict` names a laxity under `lax` when a call goes through although that check of ours fails; `verify` tells it under\n"
    "`registry.reason`. Nothing here is a fault in this program or a reason to distrust a registration of your own making: `register` and\n"
    "`renew` refuse such evidence before anything is sent. It matters for registrations that somebody else made (`import`, `track`), and\n"
    "for your own identities that somebody else may touch: no call of the registry asks who sends it.\n"
    "\n"
    "## What the chain accepts and we refuse\n"
    "\n"
    "| our check | what the contract takes | what could be done with it | what of ours notices | clause |\n"
    "|---|---|---|---|---|\n";

static const char middle[] =
    "\n"
    "Three habits follow. Compare the measurement hash with the one you expect, not only the fact of a registration (`measure --against`,\n"
    "`history`). Let the daemon follow the registry's events, so that a `CVMUpdated` of an identity of yours that no transaction of yours\n"
    "explains is an alarm (`unexplained_update`). Never set a TTL of 0, nor one below the age of the evidence: in G1b and G1c it is final.\n"
    "\n"
    "## What the contract refuses, in its order\n"
    "\n"
    "A call stops at the first of these. `caught by` is the check of ours that says it before any gas is spent; where it is empty only\n"
    "the chain's state can tell.\n";

static void calls(enum profile profile)
{
    for (enum call_kind k = CALL_ATTEST; k <= CALL_SET_TTL; k++) {
        printf("\n### %s, %s\n\n| step | error | caught by | clause |\n|---|---|---|---|\n", call_name(k), profile_name(profile));
        for (const struct model_step *const *s = model_steps(profile, k); *s; s++)
            for (const struct model_row *row = (*s)->rows; row->error; row++)
                printf("| %s | `%s`%s%s | %s | %s |\n", (*s)->id, row->error, row->text ? " " : "", row->text ? row->text : "",
                       row->caught_by, row->clause);
    }
}

int main(void)
{
    fputs(head, stdout);
    for (size_t i = 0; i < LAX_COUNT; i++) {
        const struct model_laxity *l = &model_laxities[i];
        printf("| `%s` | %s | %s | %s | %s |\n", l->check, l->what, l->misuse, l->noticed, l->clause);
    }
    fputs(middle, stdout);
    calls(PROFILE_G1B);
    return 0;
}
