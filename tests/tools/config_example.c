/* Prints configs/example.conf from the table of settings, so that the file in the tree cannot drift: every key with its help, its
 * default, its variable and its flag. tests/e2e/docs compares. */
#include "relayer/config.h"

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
    if (key->type == CONFIG_LIST || key->type == CONFIG_PATHS)
        printf("; may stand several times");
    putchar('\n');
}

int main(void)
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
    return 0;
}
