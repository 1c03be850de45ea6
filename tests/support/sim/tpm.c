#include "tests/support/sim/tpm.h"

#include "tests/support/sim/ca.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

static void ok(TSS2_RC rc, const char *what)
{
    if (rc == TSS2_RC_SUCCESS)
        return;
    fprintf(stderr, "sim: TPM says 0x%x\n", rc);
    sim_die(what);
}

/* --- the process --- */

/* Two neighbouring free ports: swtpm's TCTI expects the control port right above the command port. */
static int free_port_pair(void)
{
    for (int tries = 0; tries < 200; tries++) {
        int port = 20000 + (int)((unsigned)(getpid() * 31 + tries * 7919 + rand()) % 40000);
        int fd[2], bound = 0;
        for (int i = 0; i < 2; i++) {
            fd[i] = socket(AF_INET, SOCK_STREAM, 0);
            struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)(port + i)),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
            bound += bind(fd[i], (struct sockaddr *)&a, sizeof a) == 0;
        }
        close(fd[0]);
        close(fd[1]);
        if (bound == 2)
            return port;
    }
    sim_die("no free ports for swtpm");
}

static pid_t spawn_swtpm(const char *dir, int port)
{
    char state[4200], server[80], ctrl[80];
    snprintf(state, sizeof state, "dir=%s,mode=0600", dir);
    snprintf(server, sizeof server, "type=tcp,port=%d,bindaddr=127.0.0.1", port);
    snprintf(ctrl, sizeof ctrl, "type=tcp,port=%d,bindaddr=127.0.0.1", port + 1);
    pid_t us = getpid(), pid = fork();
    if (pid == 0) {
        /* who is killed leaves no TPM behind that holds the state */
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != us)
            _exit(127);
        execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server, "--ctrl", ctrl, "--flags",
               "not-need-init,startup-clear", (char *)NULL);
        _exit(127);
    }
    if (pid < 0)
        sim_die("fork");
    return pid;
}

/* swtpm takes its ports a moment after it starts. */
static TSS2_TCTI_CONTEXT *connect_tcti(pid_t pid, int port)
{
    char conf[80];
    snprintf(conf, sizeof conf, "swtpm:host=127.0.0.1,port=%d", port);
    setenv("TSS2_LOG", "all+NONE", 1);
    for (int i = 0; i < 200; i++) {
        TSS2_TCTI_CONTEXT *tcti = NULL;
        if (Tss2_TctiLdr_Initialize(conf, &tcti) == TSS2_RC_SUCCESS)
            return tcti;
        if (waitpid(pid, NULL, WNOHANG) == pid)
            return NULL;
        usleep(20000);
    }
    return NULL;
}

/* --- the attestation key --- */

static TPM2B_PUBLIC ak_template(bool rsa)
{
    TPM2B_PUBLIC t = {.publicArea = {
        .type = rsa ? TPM2_ALG_RSA : TPM2_ALG_ECC,
        .nameAlg = TPM2_ALG_SHA256,
        .objectAttributes = TPMA_OBJECT_FIXEDTPM | TPMA_OBJECT_FIXEDPARENT | TPMA_OBJECT_SENSITIVEDATAORIGIN |
                            TPMA_OBJECT_USERWITHAUTH | TPMA_OBJECT_RESTRICTED | TPMA_OBJECT_SIGN_ENCRYPT,
    }};
    if (rsa) {
        TPMS_RSA_PARMS *p = &t.publicArea.parameters.rsaDetail;
        p->symmetric.algorithm = TPM2_ALG_NULL;
        p->scheme.scheme = TPM2_ALG_RSASSA;
        p->scheme.details.rsassa.hashAlg = TPM2_ALG_SHA256;
        p->keyBits = 2048;
    } else {
        TPMS_ECC_PARMS *p = &t.publicArea.parameters.eccDetail;
        p->symmetric.algorithm = TPM2_ALG_NULL;
        p->scheme.scheme = TPM2_ALG_ECDSA;
        p->scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
        p->curveID = TPM2_ECC_NIST_P256;
        p->kdf.scheme = TPM2_ALG_NULL;
    }
    return t;
}

/* A TPM serves one at a time; whoever comes meanwhile waits. The lock goes with this process. */
static void wait_for_turn(const char *dir)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/turn", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        sim_die("the lock of swtpm's state");
}

void sim_tpm_start(struct sim_tpm *tpm, const char *dir, bool rsa)
{
    *tpm = (struct sim_tpm){.rsa = rsa};
    if (mkdir(dir, 0700) != 0 && errno != EEXIST)
        sim_die("state folder of swtpm");
    wait_for_turn(dir);
    for (int tries = 0; tries < 20 && !tpm->tcti; tries++) {
        if (tries)
            usleep(50000); /* the one before may still be going away */
        int port = free_port_pair();
        tpm->swtpm = spawn_swtpm(dir, port);
        tpm->tcti = connect_tcti(tpm->swtpm, port);
    }
    if (!tpm->tcti)
        sim_die("swtpm does not start (Debian package swtpm)");
    ok(Esys_Initialize(&tpm->esys, tpm->tcti, NULL), "initialize");
    const TPM2B_PUBLIC template = ak_template(rsa);
    TPM2B_PUBLIC *made = NULL;
    ok(Esys_CreatePrimary(tpm->esys, ESYS_TR_RH_ENDORSEMENT, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE,
                          &(TPM2B_SENSITIVE_CREATE){0}, &template, &(TPM2B_DATA){0}, &(TPML_PCR_SELECTION){0}, &tpm->ak, &made,
                          NULL, NULL, NULL),
       "attestation key");
    tpm->ak_public = *made;
    Esys_Free(made);
}

void sim_tpm_stop(struct sim_tpm *tpm)
{
    Esys_FlushContext(tpm->esys, tpm->ak);
    Esys_Shutdown(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, TPM2_SU_CLEAR);
    Esys_Finalize(&tpm->esys);
    Tss2_TctiLdr_Finalize(&tpm->tcti);
    kill(tpm->swtpm, SIGTERM);
    waitpid(tpm->swtpm, NULL, 0);
}

/* --- registers and quotes --- */

void sim_tpm_extend(struct sim_tpm *tpm, unsigned pcr, struct hash32 digest)
{
    TPML_DIGEST_VALUES v = {.count = 1, .digests = {{.hashAlg = TPM2_ALG_SHA256}}};
    memcpy(v.digests[0].digest.sha256, digest.b, sizeof digest.b);
    ok(Esys_PCR_Extend(tpm->esys, ESYS_TR_PCR0 + pcr, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &v), "extend");
}

static TPML_PCR_SELECTION selection(uint32_t pcrs)
{
    return (TPML_PCR_SELECTION){.count = 1, .pcrSelections = {{.hash = TPM2_ALG_SHA256, .sizeofSelect = 3,
        .pcrSelect = {(uint8_t)pcrs, (uint8_t)(pcrs >> 8), (uint8_t)(pcrs >> 16)}}}};
}

struct hash32 sim_tpm_read(struct sim_tpm *tpm, unsigned pcr)
{
    TPML_PCR_SELECTION in = selection(1u << pcr), *out = NULL;
    TPML_DIGEST *values = NULL;
    ok(Esys_PCR_Read(tpm->esys, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &in, NULL, &out, &values), "read");
    struct hash32 h;
    if (values->count != 1 || values->digests[0].size != sizeof h.b)
        sim_die("PCR read");
    memcpy(h.b, values->digests[0].buffer, sizeof h.b);
    Esys_Free(out);
    Esys_Free(values);
    return h;
}

void sim_tpm_quote(struct sim_tpm *tpm, struct buf *attest, struct buf *signature, struct bytes extra_data, uint32_t pcrs)
{
    TPM2B_DATA extra = {.size = (UINT16)extra_data.len};
    if (extra_data.len > sizeof extra.buffer)
        sim_die("extra data is too long for a TPM");
    memcpy(extra.buffer, extra_data.p, extra_data.len);
    TPMT_SIG_SCHEME scheme = {.scheme = TPM2_ALG_NULL};
    TPML_PCR_SELECTION sel = selection(pcrs);
    TPM2B_ATTEST *quoted = NULL;
    TPMT_SIGNATURE *sig = NULL;
    ok(Esys_Quote(tpm->esys, tpm->ak, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &extra, &scheme, &sel, &quoted, &sig), "quote");
    buf_put(attest, bytes_from(quoted->attestationData, quoted->size));
    uint8_t marshalled[sizeof *sig];
    size_t len = 0;
    ok(Tss2_MU_TPMT_SIGNATURE_Marshal(sig, marshalled, sizeof marshalled, &len), "signature");
    buf_put(signature, bytes_from(marshalled, len));
    Esys_Free(quoted);
    Esys_Free(sig);
}

void sim_tpm_public(const struct sim_tpm *tpm, struct buf *out)
{
    uint8_t marshalled[sizeof(TPMT_PUBLIC)];
    size_t len = 0;
    ok(Tss2_MU_TPMT_PUBLIC_Marshal(&tpm->ak_public.publicArea, marshalled, sizeof marshalled, &len), "public area");
    buf_put(out, bytes_from(marshalled, len));
}

EVP_PKEY *sim_tpm_key(const struct sim_tpm *tpm)
{
    const TPMU_PUBLIC_ID *id = &tpm->ak_public.publicArea.unique;
    OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
    BIGNUM *n = NULL, *e = NULL;
    uint8_t point[65] = {0x04};
    if (tpm->rsa) {
        n = BN_bin2bn(id->rsa.buffer, id->rsa.size, NULL);
        e = BN_new();
        BN_set_word(e, 65537);
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n);
        OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e);
    } else {
        memcpy(point + 33 - id->ecc.x.size, id->ecc.x.buffer, id->ecc.x.size);
        memcpy(point + 65 - id->ecc.y.size, id->ecc.y.buffer, id->ecc.y.size);
        OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point);
    }
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, tpm->rsa ? "RSA" : "EC", NULL);
    EVP_PKEY *key = NULL;
    if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
        sim_die("attestation key");
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(bld);
    BN_free(n);
    BN_free(e);
    return key;
}
