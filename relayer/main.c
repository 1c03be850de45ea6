/* cvm-relayer: brings a confidential VM's identity onto a registry and keeps it there.
 * main reads the command line: finds the command's row, gathers the options that the row and its settings allow, loads the
 * configuration (flag, then variable, then file, then default), and hands over. Whatever comes back, one line on standard
 * error says what went wrong, and the exit status says what to do about it. */
#include "relayer/cli/cmd.h"

#include "crypto/base/near.h"
#include "relayer/log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static const struct opt_row global_opts[] = {
    {"config", 0, "FILE", false, "read this config file"},
    {"json", 0, NULL, false, "print one JSON document"},
    {"verbose", 'v', NULL, false, "say more on standard error; twice: debug"},
    {"quiet", 'q', NULL, false, "say nothing but errors"},
    {"help", 'h', NULL, false, "this text"},
    {0},
};
static const struct opt_row no_opts[] = {{0}};

#define MAX_FLAG_NAME 40

/* Options made of the settings that a command takes as flags: --rpc-url for rpc_url. */
struct key_opts {
    struct opt_row rows[128];
    char names[128][MAX_FLAG_NAME];
};

static void key_opts_init(struct key_opts *out, unsigned keys)
{
    size_t n = 0;
    for (size_t i = 0; i < num_config_keys; i++) {
        const struct config_key *key = &config_keys[i];
        if (!(key->flag_for & keys))
            continue;
        snprintf(out->names[n], MAX_FLAG_NAME, "%s", key->name);
        for (char *c = out->names[n]; *c; c++)
            *c = *c == '_' ? '-' : *c;
        bool many = config_key_is_list(key);
        out->rows[n] = (struct opt_row){out->names[n], 0, key->arg, many, key->help};
        n++;
    }
    out->rows[n] = (struct opt_row){0};
}

static const char *key_of_flag(char out[static MAX_FLAG_NAME], const char *flag)
{
    snprintf(out, MAX_FLAG_NAME, "%s", flag);
    for (char *c = out; *c; c++)
        *c = *c == '-' ? '_' : *c;
    return out;
}

static bool apply_flags(struct cmd_env *env, const struct key_opts *key_opts, struct err *err)
{
    for (size_t i = 0; i < env->opts.num_given; i++) {
        const struct opt_row *row = env->opts.given[i].row;
        char name[MAX_FLAG_NAME];
        if (row < key_opts->rows || row >= key_opts->rows + sizeof key_opts->rows / sizeof *key_opts->rows)
            continue;
        const char *value = row->arg ? env->opts.given[i].value : "true";
        if (!config_set(&env->config, config_key_find(key_of_flag(name, row->name)), value, ORIGIN_FLAG, err))
            return err_wrap(err, "command line");
    }
    return true;
}

/* --- help --- */

static void print_commands(FILE *to)
{
    fputs("usage: cvm-relayer COMMAND [options]\n\n"
          "Verifies a confidential VM's evidence, registers its identity on chain, and keeps it fresh.\n\n", to);
    for (const struct cmd *const *c = cmd_table; *c; c++)
        fprintf(to, "  %-22s %s\n", (*c)->name, (*c)->help);
    fputs("\n  cvm-relayer COMMAND --help tells about one of them; --version prints the version.\n"
          "\nExit codes: 0 done or verified, 1 rejected or refused, 2 usage or configuration,\n"
          "3 could not be decided or done now (try again later), 4 something needs attention.\n", to);
}

static void print_command_help(const struct cmd *cmd, const struct key_opts *key_opts)
{
    printf("usage: cvm-relayer %s%s%s [options]\n\n%s\n", cmd->name, cmd->args ? " " : "", cmd->args ? cmd->args : "", cmd->help);
    if (cmd->about)
        printf("\n%s\n", cmd->about);
    if (cmd->opts) {
        puts("\noptions");
        opts_print_help(stdout, cmd->opts);
    }
    if (key_opts->rows[0].name) {
        puts("\nsettings (also CVM_RELAYER_* and config file)");
        opts_print_help(stdout, key_opts->rows);
    }
    puts("\nalways");
    opts_print_help(stdout, global_opts);
}

/* --- finding the command --- */

/* How many words of argv name this command; 0: they do not. */
static int matches(const struct cmd *cmd, int argc, char **argv)
{
    const char *space = strchr(cmd->name, ' ');
    if (!space)
        return argc >= 1 && strcmp(argv[0], cmd->name) == 0;
    size_t len = (size_t)(space - cmd->name);
    return argc >= 2 && strlen(argv[0]) == len && strncmp(argv[0], cmd->name, len) == 0 && strcmp(argv[1], space + 1) == 0 ? 2 : 0;
}

static const struct cmd *find_command(int *words, int argc, char **argv, struct err *err)
{
    struct near_word best = {0};
    bool family = false;
    char typed[64], hint[100];
    for (const struct cmd *const *c = cmd_table; *c; c++)
        if ((*words = matches(*c, argc, argv)) > 0)
            return *c;
    for (const struct cmd *const *c = cmd_table; *c; c++) {
        size_t len = strlen(argv[0]);
        family |= strncmp((*c)->name, argv[0], len) == 0 && (*c)->name[len] == ' ';
    }
    snprintf(typed, sizeof typed, "%s%s%s", argv[0], family && argc > 1 ? " " : "", family && argc > 1 ? argv[1] : "");
    for (const struct cmd *const *c = cmd_table; *c; c++)
        near_try(&best, typed, (*c)->name);
    if (family && argc < 2)
        err_set(err, ERR_USAGE, "%s wants to know what to do; see cvm-relayer --help", typed);
    else
        err_set(err, ERR_USAGE, "unknown command %s%s", typed, near_hint(hint, sizeof hint, &best, ""));
    return NULL;
}

/* --- running it --- */

static bool count_args(const struct cmd *cmd, const struct opts *opts, struct err *err)
{
    if (opts->num_args < cmd->min_args)
        return err_set(err, ERR_USAGE, "%s wants %s", cmd->name, cmd->args);
    if (cmd->max_args >= 0 && opts->num_args > cmd->max_args)
        return err_set(err, ERR_USAGE, "%s: unexpected \"%s\"", cmd->name, opts->args[cmd->max_args]);
    return true;
}

static bool prepare(struct cmd_env *env, const struct cmd *cmd, const struct key_opts *key_opts, struct err *err)
{
    size_t talk = 0;
    for (size_t i = 0; i < env->opts.num_given; i++)
        talk += strcmp(env->opts.given[i].row->name, "verbose") == 0;
    env->verbose = talk > 0;
    env->quiet = opt_given(&env->opts, "quiet");
    enum log_level least = env->quiet ? LOG_ERROR : talk > 1 ? LOG_DEBUG : talk ? LOG_INFO : LOG_WARN;
    log_init(least, false);
    if (!count_args(cmd, &env->opts, err) || !config_load(&env->config, opt_text(&env->opts, "config"), environ, err) ||
        !apply_flags(env, key_opts, err))
        return false;
    log_init(least, strcmp(env->config.log_format, "json") == 0);
    return true;
}

/* An error is a document too where JSON was asked for. */
static int report(const struct cmd_env *env, const struct err *err)
{
    int status = err_exit_status(err->code);
    if (env->json) {
        struct err ignored;
        cmd_print_json(json_pack("{s:s, s:{s:s, s:s, s:b}, s:i}", "format", "cvm-error/1", "error", "code", err_name(err->code),
                                 "message", err->text, "retry", err_retry(err->code), "exit", status),
                       &ignored);
    }
    log_error("%s", err->text);
    return status;
}

static int run_command(const struct cmd *cmd, int argc, char **argv)
{
    struct key_opts key_opts;
    struct cmd_env env = {.opts = {.sets = {cmd->opts ? cmd->opts : no_opts, key_opts.rows, global_opts}, .num_sets = 3}};
    struct err err = {0};
    int status = EXIT_DONE;
    key_opts_init(&key_opts, cmd->keys);
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++)
        env.json |= strcmp(argv[i], "--json") == 0; /* known before parsing can fail */
    bool ok = opts_parse(&env.opts, argc, argv, &err);
    if (ok && opt_given(&env.opts, "help")) {
        print_command_help(cmd, &key_opts);
        return EXIT_DONE;
    }
    ok = ok && prepare(&env, cmd, &key_opts, &err) && cmd->run(&env, &status, &err);
    if (!ok)
        status = report(&env, &err);
    config_done(&env.config);
    return status;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return EXIT_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("cvm-relayer " CVM_VERSION);
        return EXIT_DONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_commands(stdout);
        return EXIT_DONE;
    }
    struct err err = {0};
    int words = 0;
    const struct cmd *cmd = find_command(&words, argc - 1, argv + 1, &err);
    if (!cmd) {
        log_error("%s", err.text);
        return EXIT_USAGE;
    }
    return run_command(cmd, argc - 1 - words, argv + 1 + words);
}

int main(int argc, char **argv)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core); /* a core file would hold keys */
    signal(SIGPIPE, SIG_IGN);
    setenv("TSS2_LOG", "all+none", 0); /* what it has to say about bad evidence stands in our verdict */
    int status = dispatch(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        log_error("standard output: %s", strerror(errno));
        return EXIT_LATER;
    }
    return status;
}
