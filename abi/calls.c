#include "abi/calls.h"

#include "crypto/base/auto.h"
#include "crypto/keccak.h"

/* registry-v1 1 and 2 */
#define PCRS    "(uint256,bytes32,bytes32[],uint256[],bool)[]"
#define PUBKEY  "(uint16,uint16,uint16,bytes)" /* G1a */
#define CERTKEY "(uint16,uint16,bytes)"
#define ID      "(" CERTKEY ",(uint16,uint16))"
#define WCA     "(bytes,bytes," PCRS ",bytes,bytes,bytes[]," PUBKEY ")"
#define WCBTW   "(bytes,bytes," PCRS ",bytes,bytes,bytes[]," CERTKEY ")"
#define WCB     "(bytes,bytes," PCRS ",bytes,bytes,bytes[])"
#define B48     "(bytes32,bytes16)"
#define MEASURE "((uint256,bytes32,bytes32[],uint256[])[],(" B48 "," B48 "," B48 "," B48 "," B48 "," B48 "),(" B48 "))"
#define CONFIG  "uint8,uint8,uint64,uint64,uint64,uint64,bytes32,bytes"
/* registry-v2 1 */
#define ID2   "(bytes,(uint16,uint16))"
#define CERT2 "(bytes,bytes)"
/* registry-v4 1 */
#define PI  "(uint8,bytes)"
#define TR  "(uint8,uint8,bytes)"
#define EV3 "(" TR "," TR "," TR ",(uint8,bytes),bytes," PI ")"
#define EV4 "(" TR "," PI "," TR "," TR ",(uint8,uint8,bytes),bytes," PI ")"
#define ROT "(" TR "," TR ",bytes," PI ",bytes," PI "," PI ")"
#define B4  "bytes32,bytes32,bytes32,bytes32"

const struct abi_call abi_calls[] = {
    {ABI_G1A, true, 0xdf42b054, "attestCvm", "(uint8,uint8,uint8,bytes," WCA ")", "(" MEASURE ")"},
    {ABI_G1A, true, 0x60ca2da1, "reattestCvmWithTpm", "(bytes32,bytes," WCA ")", "(" MEASURE ")"},
    {ABI_G1B, true, 0x4a231d6f, "attestCvm", "(uint8,uint8,uint8,bytes," ID "," WCB ")", "(" MEASURE ")"},
    {ABI_G1B, true, 0x4f973076, "reattestCvmWithTpm", "(bytes32,bytes," ID "," WCB ")", "(" MEASURE ")"},
    {ABI_G1C, true, 0x81729352, "attestCvm", "(uint8,uint8,uint8,bytes," ID ",bytes," WCB ")", "(" MEASURE ")"},
    {ABI_G1C, true, 0x339f45f6, "reattestCvmWithTpm", "(bytes32,bytes[2]," ID "," WCB ")", "(" MEASURE ")"},
    {ABI_G1, true, 0xf473d8ea, "setCollateralTTL", "(bytes32,uint64,uint64,bytes)", "()"},

    {ABI_G1 | ABI_G2, false, 0x6b0eec1c, "hasRegistered", "(bytes32)", "(bool)"},
    {ABI_G1, false, 0x9e317f12, "nonces", "(bytes32)", "(uint256)"},
    {ABI_G1, false, 0x5d2709d5, "checkTEEValidity", "(bytes32)", "(bool)"},
    {ABI_G1, false, 0xefb159c5, "checkTPMValidity", "(bytes32)", "(bool)"},
    {ABI_G1 | ABI_G2, false, 0x2d1770f0, "getMeasurementHash", "(bytes32)", "(bytes32)"},
    {ABI_G1A, false, 0x3c880bbe, "getCvmIdentity", "(bytes32)", "(" PUBKEY ")"},
    {ABI_G1B | ABI_G1C, false, 0x3c880bbe, "getCvmIdentity", "(bytes32)", "(" ID ")"},
    {ABI_G1A, false, 0x4b9d1f69, "getCvmConfig", "(bytes32)", "((" CONFIG "," PUBKEY "))"},
    {ABI_G1B | ABI_G1C, false, 0x4b9d1f69, "getCvmConfig", "(bytes32)", "((" CONFIG "," ID "," CERTKEY "))"},
    {ABI_G1 | ABI_G2, false, 0x33b59eab, "workloadVerifier", "()", "(address)"},
    {ABI_G1 | ABI_G2, false, 0x67faa256, "tpmAttestation", "()", "(address)"},
    {ABI_G1 | ABI_G2, false, 0x8da5cb5b, "owner", "()", "(address)"},
    {ABI_G1 | ABI_G2, false, 0x52d1902d, "proxiableUUID", "()", "(bytes32)"},
    {ABI_G1 | ABI_G2, false, 0xad3cb1cc, "UPGRADE_INTERFACE_VERSION", "()", "(string)"},
    {ABI_G1B | ABI_G1C, false, 0x536c633d, "P256_VERIFIER", "()", "(address)"},
    {ABI_G1A, true, 0xc4d66de8, "initialize", "(address)", "()"},
    {ABI_G1B | ABI_G1C, true, 0x485cc955, "initialize", "(address,address)", "()"},
    /* on the workload verifier and the TPM contract */
    {ABI_G1, false, 0x48e9b136, "dcapAttestation", "()", "(address)"},
    {ABI_G1, false, 0x08f34711, "snpAttestation", "()", "(address)"},
    {ABI_G1A, false, 0xf7a19665, "allowMockAttestation", "()", "(bool)"},
    {ABI_G1, false, 0x66c44a15, "p256", "()", "(address)"},
    /* behind dcapAttestation: a verifier per quote version, its router, the DAOs that hold Intel's documents
     * (automata-dcap-attestation, PCCSRouter; automata-on-chain-pccs) */
    {ABI_G1, false, 0x86b5dec9, "quoteVerifiers", "(uint16)", "(address)"},
    {ABI_G1, false, 0x9e0fb0bf, "pccsRouter", "()", "(address)"},
    {ABI_G1, false, 0x713e44d8, "getStandardTcbEvaluationDataNumber", "(uint8)", "(uint32)"},
    {ABI_G1, false, 0x0a2c531f, "tcbEvalDaoAddr", "()", "(address)"},
    {ABI_G1, false, 0x67ecb139, "pcsDaoAddr", "()", "(address)"},
    {ABI_G1, false, 0xd1ffdd3a, "fmspcTcbDaoVersionedAddr", "(uint32)", "(address)"},
    {ABI_G1, false, 0xf51e240a, "qeIdDaoVersionedAddr", "(uint32)", "(address)"},
    {ABI_G1, false, 0x9c381d64, "TCB_EVAL_KEY", "(uint8)", "(bytes32)"},
    {ABI_G1, false, 0xb63e9e7b, "FMSPC_TCB_KEY", "(uint8,bytes6,uint32)", "(bytes32)"},
    {ABI_G1, false, 0xca108769, "ENCLAVE_ID_KEY", "(uint256,uint256)", "(bytes32)"},
    {ABI_G1, false, 0xb13bf290, "PCS_KEY", "(uint8,bool)", "(bytes32)"},
    {ABI_G1, false, 0x3e960426, "getCollateralValidity", "(bytes32)", "(uint64,uint64)"},

    {ABI_BETWEEN, true, 0x57ea168b, "attestCvm", "(uint8,uint8,uint8,bytes," WCBTW ")", NULL},
    {ABI_BETWEEN, true, 0x25c50cc8, "reattestCvmWithTpm", "(bytes32,bytes," WCBTW ")", NULL},
    {ABI_G2, true, 0x95e268a8, "registerCvm", "(uint8,uint8,uint64,uint8,bytes," ID2 "," CERT2 "," WCB ")", NULL},
    {ABI_G2, true, 0xb782bc71, "refreshCvm", "(bytes32,uint64,uint8,bytes," WCB ")", NULL},
    {ABI_G2, true, 0x3538b662, "rotateCvmIdentityKey", "(bytes32," ID2 "," CERT2 ")", NULL},
    {ABI_G2, false, 0x54a52b05, "checkCvmValidity", "(bytes32)", "(bool)"},
    {ABI_G2, true, 0x4f1ef286, "upgradeToAndCall", "(address,bytes)", NULL},
    {ABI_G3 | ABI_G4, true, 0xd5269dcc, "registerSession", "(" EV3 "," B4 ",uint64," PI ",bytes)", NULL},
    {ABI_G4, true, 0x5605921d, "registerSession", "(" EV4 "," B4 ",uint64," PI ",bytes)", NULL},
    {ABI_G3, true, 0x7a54135f, "rotateSession", "(bytes32,bytes32," ROT ",uint64," PI ",bytes)", NULL},
    {ABI_G4, true, 0x8abad16e, "rotateKey", "(bytes32,bytes32," ROT ",uint64," PI ",bytes)", NULL},
    {ABI_G3 | ABI_G4, true, 0x586d9819, "revokeSession", "(bytes32,uint64," PI ",bytes)", NULL},
    {ABI_G4, true, 0x56b8b40a, "renewSession", "(bytes32," EV3 "," B4 ",(bytes," PI "),uint64," PI ",bytes)", NULL},
    {ABI_G4, true, 0xd395b2c7, "renewSession", "(bytes32," EV4 "," B4 ",(bytes," PI "),uint64," PI ",bytes)", NULL},
    {ABI_G4, true, 0x9243c617, "recoverSession", "(bytes32," EV3 "," B4 ",uint64," PI ",bytes)", NULL},
    {ABI_G4, true, 0x114d91fe, "recoverSession", "(bytes32," EV4 "," B4 ",uint64," PI ",bytes)", NULL},
    {ABI_G3 | ABI_G4, false, 0x39b240bd, "getSession", "(bytes32)", NULL},
    {ABI_G3 | ABI_G4, false, 0x105c9df3, "getSessionId", "(bytes32)", NULL},
    {ABI_G3 | ABI_G4, false, 0xd7fe7f6d, "getSessionOwner", "(bytes32)", NULL},
    {ABI_G3 | ABI_G4, false, 0xee8866c1, "isSessionActive", "(bytes32)", NULL},
    {ABI_G3 | ABI_G4, false, 0x13404aa5, "isSessionExpired", "(bytes32)", NULL},
    {ABI_G3 | ABI_G4, false, 0x4136a33c, "getNonce", "(bytes32)", NULL},
    {ABI_G3 | ABI_G4, false, 0xc243425e, "verifySessionSignature", "(bytes32," PI ",bytes32,bytes)", NULL},
};
const size_t num_abi_calls = sizeof abi_calls / sizeof *abi_calls;

const struct abi_call *abi_call_by_selector(struct bytes calldata)
{
    if (calldata.len < 4)
        return NULL;
    uint32_t selector = be32(calldata.p);
    for (size_t i = 0; i < num_abi_calls; i++)
        if (abi_calls[i].selector == selector)
            return &abi_calls[i];
    return NULL;
}

const struct abi_call *abi_call_find(const char *name, unsigned generation)
{
    for (size_t i = 0; i < num_abi_calls; i++)
        if ((abi_calls[i].generations & generation) && strcmp(abi_calls[i].name, name) == 0)
            return &abi_calls[i];
    return NULL;
}

uint32_t abi_selector_of(const char *name, const char *args)
{
    struct keccak k;
    keccak_init(&k);
    keccak_update(&k, bytes_str(name));
    keccak_update(&k, bytes_str(args));
    return be32(keccak_final(&k).b);
}

const char *abi_generation_name(unsigned generations)
{
    static const struct {
        unsigned bits;
        const char *name;
    } names[] = {
        {ABI_G3 | ABI_G4, "generation 3 or 4"}, {ABI_G1A, "g1a"}, {ABI_G1B, "g1b"}, {ABI_G1C, "g1c"}, {ABI_BETWEEN, "the form between g1a and g1b"},
        {ABI_G2, "generation 2"}, {ABI_G3, "generation 3"}, {ABI_G4, "generation 4"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((names[i].bits & generations) == names[i].bits)
            return names[i].name;
    return "unknown";
}

bool abi_encode_call(struct buf *out, const struct abi_call *call, const struct abi_value *args, struct err *err)
{
    AUTO(arena_done) struct arena mem = arena_new(1 << 16);
    const struct abi_type *type;
    if (!abi_type_parse(&type, &mem, bytes_str(call->args), err))
        return err_wrap(err, "%s", call->name);
    buf_u32be(out, call->selector);
    return abi_encode(out, type, args, err) || err_wrap(err, "%s", call->name);
}

bool abi_decode_call(struct abi_value *out, struct arena *mem, const struct abi_call *call, struct bytes calldata,
                     struct err *err)
{
    AUTO(arena_done) struct arena types = arena_new(1 << 16);
    const struct abi_type *type;
    if (calldata.len < 4 || be32(calldata.p) != call->selector)
        return err_set(err, ERR_FORMAT, "%s: selector is not %08x", call->name, call->selector);
    if (!abi_type_parse(&type, &types, bytes_str(call->args), err))
        return err_wrap(err, "%s", call->name);
    return abi_decode_strict(out, mem, type, bytes_sub(calldata, 4, calldata.len - 4), err) || err_wrap(err, "%s", call->name);
}
