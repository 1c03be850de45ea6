/* decode: any of the things that travel between a VM, this program and the chain, into fields. Judges nothing. */
#include "relayer/cli/cmd_evidence.h"

#include "abi/addr.h"
#include "abi/errors.h"
#include "abi/tx.h"
#include "crypto/base/auto.h"
#include "crypto/base/text.h"
#include "crypto/pem.h"
#include "crypto/x509.h"
#include "relayer/files.h"
#include "relayer/judge.h"
#include "relayer/registry/calldata.h"
#include "relayer/wei.h"

#include <stdio.h>
#include <unistd.h>

bool cmd_open_input(struct input *out, const char *arg, enum input_kind kind, struct err *err)
{
    AUTO(buf_done) struct buf raw = buf_new(INPUT_MAX);
    if (strcmp(arg, "-") != 0 && access(arg, F_OK) != 0 && hex_decode(&raw, bytes_str(arg), NULL))
        return input_open(out, buf_view(&raw), kind, err);
    raw.len = 0;
    return file_read(&raw, arg, err) && (input_open(out, buf_view(&raw), kind, err) || err_wrap(err, "%s", arg));
}

bool cmd_open_bundle(struct bundle *out, const char *arg, enum input_kind kind, struct err *err)
{
    AUTO(input_done) struct input in = {0};
    return cmd_open_input(&in, arg, kind, err) && (input_bundle(out, &in, err) || err_wrap(err, "%s", arg));
}

static json_t *hex_json(struct bytes b)
{
    AUTO(auto_free) char *text = hex_0x(b);
    return text ? json_string(text) : NULL;
}

/* --- evidence: the facts of a verdict without its judgement --- */

static bool add_facts(json_t *doc, const struct bundle *bundle, struct err *err)
{
    static const char *const facts[] = {"tee", "tcb", "platform", "tpm", "ak", "identity_hash", "measurement"};
    struct config cfg = {.policy = (char *)"authentic", .profile = (char *)"auto"};
    AUTO(judge_done) struct judge judge = {0};
    AUTO(judgement_done) struct judgement j = {0};
    struct expected expected = {0};
    if (!judge_init(&judge, &cfg, NULL, err) || !judge_bundle(&j, &judge, bundle, &expected, 0, err))
        return false;
    for (size_t i = 0; i < sizeof facts / sizeof *facts; i++)
        if (json_object_get(j.doc, facts[i]))
            json_object_set(doc, facts[i], json_object_get(j.doc, facts[i]));
    return true;
}

static bool decode_evidence(json_t *doc, const struct input *in, struct err *err)
{
    AUTO(bundle_done) struct bundle bundle = {0};
    if (!input_bundle(&bundle, in, err) || !add_facts(doc, &bundle, err))
        return false;
    if (in->kind != INPUT_BUNDLE && in->kind != INPUT_CALLDATA) {
        /* what parsed has its fields there; a header that does not parse gives none */
        return json_object_size(doc) > 2 || err_set(err, ERR_FORMAT, "damaged %s: no field of it can be read", input_kind_name(in->kind));
    }
    if (bundle.call.kind) {
        json_object_set_new(doc, "call", json_string(call_name(bundle.call.kind)));
        json_object_set_new(doc, "profile", json_string(profile_name(bundle.call.profile)));
    }
    json_object_set_new(doc, "bundle", bundle_to_json(&bundle));
    return true;
}

/* --- the chain's --- */

static json_t *addr_json(struct addr20 a)
{
    char text[ADDR_TEXT_SIZE];
    return json_string(addr_text(text, a));
}

static json_t *wei_json(struct u256 v)
{
    char text[WEI_TEXT_SIZE];
    return json_string(wei_format(text, v));
}

static bool decode_transaction(json_t *doc, const struct input *in, struct err *err)
{
    struct tx_signed tx;
    if (!tx_parse(&tx, buf_view(&in->data), err))
        return false;
    json_object_set_new(doc, "hash", hex_json(BYTES_OF(tx.hash)));
    json_object_set_new(doc, "type", json_string(tx_type_name(tx.tx.type)));
    json_object_set_new(doc, "from", addr_json(tx.from));
    if (!tx.tx.creates)
        json_object_set_new(doc, "to", addr_json(tx.tx.to));
    json_object_set_new(doc, "chain_id", json_integer((json_int_t)tx.tx.chain_id));
    json_object_set_new(doc, "nonce", json_integer((json_int_t)tx.tx.nonce));
    json_object_set_new(doc, "gas_limit", json_integer((json_int_t)tx.tx.gas_limit));
    json_object_set_new(doc, tx.tx.type == TX_DYNAMIC_FEE ? "max_fee" : "gas_price", wei_json(tx.tx.max_fee_wei));
    if (tx.tx.type == TX_DYNAMIC_FEE)
        json_object_set_new(doc, "max_tip", wei_json(tx.tx.max_tip_wei));
    json_object_set_new(doc, "value", wei_json(tx.tx.value_wei));
    json_object_set_new(doc, "data", hex_json(tx.tx.data));
    const struct abi_call *call = abi_call_by_selector(tx.tx.data);
    if (call)
        json_object_set_new(doc, "call", json_string(call->name));
    AUTO(bundle_done) struct bundle bundle = {0};
    if (call && bundle_from_calldata(&bundle, tx.tx.data, NULL))
        json_object_set_new(doc, "bundle", bundle_to_json(&bundle));
    return true;
}

static bool decode_revert(json_t *doc, const struct input *in, struct err *err)
{
    char name[120];
    AUTO(abi_error_args_done) struct abi_error_args args = {0};
    AUTO(auto_free) char *words = abi_error_words(buf_view(&in->data));
    if (!abi_error_args(&args, buf_view(&in->data), err))
        return false;
    json_object_set_new(doc, "error", json_string(abi_error_name(name, sizeof name, buf_view(&in->data))));
    json_t *list = json_array();
    for (size_t i = 0; i < args.count; i++)
        json_array_append_new(list, json_string(args.text[i]));
    json_object_set_new(doc, "args", list);
    json_object_set_new(doc, "words", json_string(words));
    return true;
}

/* --- certificates --- */

/* "1.2.840.113741" of an OID's contents */
static char *oid_text(char *out, size_t size, struct bytes oid)
{
    uint64_t v = 0;
    bool first = true;
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < oid.len && len < size; i++) {
        v = v << 7 | (oid.p[i] & 0x7f);
        if (oid.p[i] & 0x80)
            continue;
        if (first)
            len += (size_t)snprintf(out + len, size - len, "%d.", v < 40 ? 0 : v < 80 ? 1 : 2);
        if (len < size)
            len += (size_t)snprintf(out + len, size - len, "%s%llu", first ? "" : ".",
                                    (unsigned long long)(first ? v - (v < 40 ? 0 : v < 80 ? 40 : 80) : v));
        first = false;
        v = 0;
    }
    return out;
}

static json_t *cert_json(const struct cert *c)
{
    char name[300], when[21];
    json_t *doc = json_object(), *exts = json_array();
    json_object_set_new(doc, "subject", json_string(name_text(name, sizeof name, c->subject)));
    json_object_set_new(doc, "issuer", json_string(name_text(name, sizeof name, c->issuer)));
    json_object_set_new(doc, "serial", hex_json(c->serial));
    json_object_set_new(doc, "not_before", json_string(time_format(when, c->not_before_s)));
    json_object_set_new(doc, "not_after", json_string(time_format(when, c->not_after_s)));
    json_object_set_new(doc, "is_ca", json_boolean(c->is_ca));
    json_object_set_new(doc, "public_key", hex_json(c->spki));
    for (size_t i = 0; i < c->num_ext; i++)
        json_array_append_new(exts, json_pack("{s:s, s:b, s:o}", "oid", oid_text(name, sizeof name, c->ext[i].oid), "critical",
                                              c->ext[i].critical, "value", hex_json(c->ext[i].value)));
    json_object_set_new(doc, "extensions", exts);
    return doc;
}

static bool decode_certificates(json_t *doc, const struct input *in, struct err *err)
{
    AUTO(der_list_done) struct der_list list = {0};
    if (!der_list_parse(&list, buf_view(&in->data), "CERTIFICATE", BUNDLE_MAX_CERTS, err))
        return false;
    json_t *certs = json_array();
    json_object_set_new(doc, "certificates", certs);
    for (size_t i = 0; i < list.count; i++) {
        struct cert c;
        if (!cert_parse(&c, list.item[i], err))
            return err_wrap(err, "certificate %zu", i);
        json_array_append_new(certs, cert_json(&c));
    }
    return list.count || err_set(err, ERR_FORMAT, "no certificate in it");
}

/* --- text --- */

static void say(const char *prefix, const json_t *value)
{
    const char *key;
    json_t *inner;
    size_t i;
    char name[160];
    if (json_is_object(value)) {
        json_object_foreach((json_t *)value, key, inner) {
            snprintf(name, sizeof name, "%s%s%s", prefix, *prefix ? "." : "", key);
            say(name, inner);
        }
    } else if (json_is_array(value)) {
        json_array_foreach((json_t *)value, i, inner) {
            snprintf(name, sizeof name, "%s[%zu]", prefix, i);
            say(name, inner);
        }
    } else if (json_is_string(value)) {
        printf("%-32s %s\n", prefix, json_string_value(value));
    } else if (!json_is_null(value)) {
        AUTO(auto_free) char *text = json_dumps(value, JSON_ENCODE_ANY);
        printf("%-32s %s\n", prefix, text ? text : "?");
    }
}

static bool decode(json_t *doc, const struct input *in, struct err *err)
{
    switch (in->kind) {
    case INPUT_BUNDLE:
    case INPUT_TDX_QUOTE:
    case INPUT_SGX_QUOTE:
    case INPUT_SNP_REPORT:
    case INPUT_HCL:
    case INPUT_TPM_QUOTE:
    case INPUT_CALLDATA:
        return decode_evidence(doc, in, err);
    case INPUT_TRANSACTION:
        return decode_transaction(doc, in, err);
    case INPUT_REVERT:
        return decode_revert(doc, in, err);
    case INPUT_CERTIFICATE:
        return decode_certificates(doc, in, err);
    case INPUT_UNKNOWN:
        break;
    }
    return err_set(err, ERR_FORMAT, "nothing known");
}

static const struct opt_row opts[] = {
    {"kind", 0, "KIND", false, "take the input for this kind: " INPUT_KINDS},
    {0},
};

static bool run(struct cmd_env *env, int *status, struct err *err)
{
    (void)status;
    AUTO(input_done) struct input in = {0};
    enum input_kind kind = INPUT_UNKNOWN;
    if (!cmd_take_kind(&kind, &env->opts, err) || !cmd_open_input(&in, env->opts.args[0], kind, err))
        return false;
    json_auto_t *doc = json_pack("{s:s, s:s}", "format", "cvm-decode/1", "kind", input_kind_name(in.kind));
    if (!doc)
        return err_set(err, ERR_NOMEM, "no memory");
    if (!decode(doc, &in, err))
        return false;
    if (env->json)
        return cmd_print_json(json_incref(doc), err);
    json_object_del(doc, "format");
    say("", doc);
    return true;
}

const struct cmd cmd_decode = {
    .name = "decode",
    .args = "FILE|HEX",
    .min_args = 1,
    .max_args = 1,
    .help = "quote, report, bundle, calldata, transaction, certificate or revert data into fields",
    .opts = opts,
    .run = run,
};
