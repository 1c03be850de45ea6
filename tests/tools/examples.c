/* Prints configs/example.conf and configs/policy-example.conf from the tables of keys, so that the files in the tree cannot
 * drift. tests/e2e/docs compares.
 *   examples config | policy */
#include "relayer/config.h"
#include "relayer/evidence/policy.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void print_comment(const struct config_key *key)
{
    char variable[80] = "CVM_RELAYER_";
    size_t n = strlen(variable);
    for (const char *p = key->name; *p && n < sizeof variable - 1; p++)
        variable[n++] = (char)toupper((unsigned char)*p);
    variable[n] = '\0';
    printf("\n# %s\n# variable %s", key->help, variable);
    if (key->flag_for) {
        printf(", flag --");
        for (const char *p = key->name; *p; p++)
            putchar(*p == '_' ? '-' : *p);
    }
    if (key->choices)
        printf("; one of %s", key->choices);
    if (config_key_is_list(key))
        printf("; may stand several times");
    putchar('\n');
}

static void print_config(void)
{
    puts("# Every setting of cvm-relayer, with its default. A line that begins with '#' is a comment; lines like '#key =' show a\n"
         "# setting that has no default or is left at it. Precedence: flag, then variable, then this file, then default.\n"
         "# Durations: 30d, 12h, 90s. Amounts: 2gwei, 1ether. Paths are relative to this file's folder.");
    const char *section = "";
    for (size_t i = 0; i < num_config_keys; i++) {
        const struct config_key *key = &config_keys[i];
        if (strcmp(section, key->section) != 0) {
            section = key->section;
            printf("\n[%s]\n", section);
        }
        print_comment(key);
        printf("#%s = %s\n", key->name, key->def ? key->def : key->arg ? key->arg : "");
    }
}

static const char *const policy_args[] = {
    [POLICY_BOOL] = "true|false", [POLICY_U32] = "N",       [POLICY_U64] = "N",           [POLICY_DURATION] = "DURATION",
    [POLICY_DATE] = "DATE",       [POLICY_HEX] = "HEX",     [POLICY_HEX_LIST] = "HEX ..", [POLICY_WORD_LIST] = "WORD ..",
};

static void print_policy(void)
{
    puts("# Everything that a policy file can say. It starts from one of the two built-in policies and changes what it names.\n"
         "# Lists take several values: the key may stand several times. --policy FILE uses it.\n\n"
         "[policy]\n"
         "# what to start from: strict or authentic\n"
         "base = strict\n\n"
         "# a name for verdicts\n"
         "#name = WORD\n\n"
         "# a check that may stay undone, by its id or as prefix.*: the verdict says waived\n"
         "#waive = CHECK");
    const char *section = "policy";
    for (size_t a = 0; a < num_policy_areas; a++)
        for (size_t i = 0; i < *policy_areas[a].count; i++) {
            const struct policy_key *key = &policy_areas[a].keys[i];
            if (strcmp(section, key->section) != 0)
                printf("\n[%s]", key->section);
            section = key->section;
            printf("\n# %s\n#%s = %s\n", key->help, key->name, policy_args[key->type]);
        }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "config") == 0)
        print_config();
    else if (argc == 2 && strcmp(argv[1], "policy") == 0)
        print_policy();
    else
        return fprintf(stderr, "usage: examples config|policy\n"), 2;
    return 0;
}
