#!/usr/bin/env node
// A walk over the model's steps (profile G1b): for each a call that stops there with exactly its error, beside the same call
// without the fault, which goes on; and calls with two faults, where the earlier step is named.
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { decodeFunctionData, encodeAbiParameters, parseAbiParameters, toFunctionSelector } from 'viem'
import * as ev from '../support/evidence.mjs'

const CHAIN_ID = 31337n, REGISTRY = '0x3cd4E8a3644ddc8b16954A9f50Fd0Dc0185161aC', NOW = 2_000_000_000
const zeros = Buffer.alloc(32), uuid = Buffer.from('0123456789abcdef')
const tool = spawn(fileURLToPath(new URL('../../build/release/model_tool', import.meta.url)), { stdio: ['pipe', 'pipe', 'inherit'] })
const lines = createInterface({ input: tool.stdout })[Symbol.asyncIterator]()
async function model(...words) {
  tool.stdin.write(words.join(' ') + '\n')
  return JSON.parse((await lines.next()).value)
}

let passed = 0, failed = 0
const seen = new Set()
function check(ok, what) {
  if (ok) passed++
  else { failed++; console.log(`failed: ${what}`) }
}

const key = ev.newP256(), other = ev.newP256(), rsaKey = ev.newRsa(), ecAk = ev.newP256(), rsaAk = ev.newRsa()
const chain = ev.akChain(ecAk), foreign = ev.akChain(ecAk)

// --- a good registration, and how to spoil it ---

/** o: what is different. Functions change a part before it is signed over, or after. */
function attest(o = {}) {
  const azure = o.azure ?? false, ak = azure ? rsaAk : ecAk, id = structuredClone(o.id ?? ev.identityOf(o.key ?? key))
  o.identity?.(id)
  const pcrs = [
    { index: 4, value: ev.replay([ev.sha256('a'), ev.sha256('b')]), events: [ev.sha256('a'), ev.sha256('b')], measured: [1], flag: true },
    { index: 15, value: azure ? zeros : ev.sha256(zeros, ev.sha256(uuid)), events: [], measured: [], flag: false },
  ]
  o.pcrs?.(pcrs)
  const f = {
    signer: zeros, extra: Buffer.concat([Buffer.from([0xff]), Buffer.from(ev.identityHash(id).slice(2), 'hex')]),
    selection: ev.selectionOf(pcrs), digest: ev.digestOf(pcrs),
  }
  o.quote?.(f)
  let quote = ev.tpmQuote(f)
  if (o.cut !== undefined) quote = quote.subarray(0, o.cut)
  let signature = ev.tpmSignature(ak, quote)
  signature = o.signature?.(signature) ?? signature
  const doc = o.doc ?? (azure ? ev.varData(rsaAk) : Buffer.alloc(0))
  const report = ev.tdxQuote({
    rtmr3: o.rtmr3 ?? (azure ? Buffer.alloc(48) : ev.sha384(Buffer.alloc(48), ev.sha384(uuid))),
    reportData: azure ? Buffer.concat([o.reportData ?? ev.sha256(doc), zeros]) : Buffer.alloc(64),
  })
  const wc = {
    tpmQuote: ev.hex(quote), tpmSignature: ev.hex(signature), pcrs: pcrs.map(ev.pcrArg), reportId: azure ? '0x' : ev.hex(uuid),
    akPub: ev.hex(doc), certs: azure ? [] : chain.map(ev.hex),
  }
  o.wc?.(wc, pcrs)
  const args = [azure ? 2 : 1, 1, 1, ev.hex(report), id, wc]
  o.args?.(args)
  return ev.encode('attestCvm', args)
}
const vd = (change) => Buffer.from(change(ev.varData(rsaAk).toString()))
const n = (length, last) => Buffer.concat([Buffer.alloc(length - 1, 0xff), Buffer.from([last])]).toString('base64url')
const keyData = (e, modulus) => vd((s) => s.replace(rsaAk.jwk.n, modulus).replace('"e":"AQAB"', `"e":"${e}"`))
const zk = (output, proof) => encodeAbiParameters(parseAbiParameters('(bytes, bytes)'), [[output, proof]])
const journal = (result, report) =>
  encodeAbiParameters(parseAbiParameters('(uint8, uint64, uint8, bytes, bytes32[], uint160[], uint8)'), [[result, 1n, 0, report, [], [], 0]])
const set = (buffer, at, ...values) => { Buffer.from(values).copy(buffer, at); return buffer }

const registrations = [
  ['entry', '(empty)', { args: (a) => { a[0] = 3 } }],
  ['entry', '(empty)', { args: (a) => { a[2] = 4 } }],
  ['identity_sanity', 'CVM_IDENTITY_INVALID()', { identity: (i) => { i.pubkey.algo = 0 } }],
  ['identity_sanity', 'CVM_IDENTITY_INVALID()', { identity: (i) => { i.sigAlgo.hashAlgo = 0x10 } }],
  ['identity_sanity', 'CVM_IDENTITY_INVALID()', { identity: (i) => { i.pubkey.data = '0x' } }],
  ['tee_type', 'INVALID_TEE_TYPE(uint8)', { args: (a) => { a[1] = 0 } }],
  ['tee_report', 'INVALID_TEE_REPORT_TYPE(uint8)', { args: (a) => { a[1] = 2 } }],
  ['tee_report', 'INVALID_TEE_REPORT_TYPE(uint8)', { args: (a) => { a[2] = 0; a[3] = zk('0x00', '0x01') } }],
  ['tee_report', '(empty)', { args: (a) => { a[2] = 2 } }],
  ['tee_report', 'FAILED_TO_VERIFY_TEE()', { args: (a) => { a[3] = a[3].slice(0, 1000) } }],
  ['tee_report', 'FAILED_TO_VERIFY_TEE()', { args: (a) => { a[2] = 2; a[3] = zk('0x' + '00'.repeat(600), '0x') } }],
  ['tee_report', 'INVALID_TEE_REPORT()', { args: (a) => { a[2] = 2; a[3] = zk('0x' + '00'.repeat(394), '0x01') } }],
  ['tee_report', 'FAILED_TO_VERIFY_TEE()', { args: (a) => { a[1] = 2; a[2] = 2; a[3] = zk(journal(1, '0x'), '0x01') } }],
  ['tee_report', '(empty)', { args: (a) => { a[1] = 2; a[2] = 2; a[3] = zk(journal(4, '0x'), '0x01') } }],
  ['tee_fields', 'InvalidLength(uint256,uint256)', { args: (a) => { a[2] = 2; a[3] = zk('0x' + '00'.repeat(594), '0x01') } }],
  ['tee_fields', 'InvalidLength(uint256,uint256)', { args: (a) => { a[1] = 2; a[2] = 3; a[3] = zk(journal(0, '0x' + '11'.repeat(351)), '0x01') } }],
  ['tee_fields', 'UnexpectedSGXReport()', { args: (a) => { a[3] = ev.hex(set(Buffer.from(a[3].slice(2), 'hex'), 4, 0)) } }],
  ['report_data', 'TEE_REPORT_DATA_MISMATCH(bytes32,bytes32)', { azure: true, reportData: zeros }],
  ['var_data', 'Error(string)', { azure: true, doc: vd((s) => s.replace('HCLAkPub', 'HCLakPub')) }],
  ['var_data', 'Error(string)', { azure: true, doc: vd((s) => s.replace('"kty":"RSA","e"', '"kty":"EC","e"')) }],
  ['var_data', 'Error(string)', { azure: true, doc: vd((s) => s.replaceAll('"e":"', '"E":"')) }],
  ['var_data', 'Error(string)', { azure: true, doc: vd((s) => s.replaceAll('"n":"', '"N":"')) }],
  ['var_data', 'Error(string)', { azure: true, doc: vd((s) => s.replace('HCLEkPub', 'other')) }],
  ['var_data', 'RsaModulusEmpty()', { azure: true, doc: keyData('AQAB', '') }],
  ['var_data', 'RsaExponentEmpty()', { azure: true, doc: keyData('', n(256, 1)) }],
  ['var_data', 'InvalidRsaModulusSize()', { azure: true, doc: keyData('AQAB', n(255, 1)) }],
  ['var_data', 'RsaModulusNotOdd()', { azure: true, doc: keyData('AQAB', n(256, 2)) }],
  ['var_data', 'InvalidRsaExponentSize()', { azure: true, doc: keyData('Aw', n(256, 1)) }],
  ['ak_chain', 'Error(string)', { wc: (w) => { w.certs = [] } }],
  ['ak_chain', 'Error(string)', { wc: (w) => { w.certs = [...w.certs, w.certs[0], w.certs[0]] } }],
  ['ak_chain', 'RootCaNotAtEndOfChain()', { wc: (w) => { w.certs = foreign.map(ev.hex) } }],
  ['ak_chain', 'LeafCertIsCa()', { wc: (w) => { w.certs = [w.certs[2]] } }],
  ['ak_chain', 'Asn1IndexOutOfBounds()', { wc: (w) => { w.certs = ['0x', w.certs[2]] } }],
  ['ak_chain', 'Asn1ContentLengthOutOfBounds()', { wc: (w) => { w.certs[0] = w.certs[0].slice(0, 200) } }],
  ['ak_chain', 'IssuerSubjectDNMismatch()', { wc: (w) => { w.certs = [w.certs[0], w.certs[2]] } }],
  ['ak_chain', 'CertChainAKIDMismatch(uint256,bytes,bytes)', { wc: (w) => { w.certs = [foreign[0], chain[1], chain[2]].map(ev.hex) } }],
  ['ak_chain', 'InvalidSignature()', { wc: (w) => { w.certs[0] = ev.hex(set(Buffer.from(w.certs[0].slice(2), 'hex'), chain[0].length - 3, 0, 1, 2)) } }],
  ['tpm_signature', 'TpmSignatureTooShort()', { signature: (s) => s.subarray(0, 39) }],
  ['tpm_signature', '(empty)', { signature: (s) => s.subarray(0, 71) }],
  ['tpm_signature', 'UnsupportedHashAlgorithm()', { signature: (s) => set(s, 3, 4) }],
  ['tpm_signature', 'InvalidSignature()', { signature: (s) => set(s, 1, 0x16) }],
  ['tpm_signature', 'InvalidRsaSignatureSize()', { signature: (s) => set(s, 1, 0x14) }],
  ['tpm_signature', 'InvalidEcdsaSignature()', { signature: (s) => set(s, 5, 33) }],
  ['tpm_signature', 'RsaSignatureSizeMismatchModulusSize()', { azure: true, signature: (s) => Buffer.concat([set(s, 4, 1, 1), zeros]) }],
  ['tpm_signature', 'UnsupportedSignatureScheme(uint16,uint16)', { azure: true, signature: () => ev.tpmSignature(ecAk, zeros) }],
  ['tpm_signature', 'TpmSignatureVerificationFailed()', { signature: (s) => set(s, 20, s[20] ^ 1) }],
  ['pcrs', 'TpmQuoteTooShort()', { cut: 9 }],
  ['pcrs', 'TpmQuoteTooShort()', { cut: 110 }],
  ['pcrs', 'InvalidTpmAttType()', { quote: (f) => { f.type = 0x8017 } }],
  ['pcrs', 'InvalidTpmsPcrCount()', { quote: (f) => { f.count = 2 } }],
  ['pcrs', 'UnsupportedHashAlgorithm()', { quote: (f) => { f.bank = 0xc } }],
  ['pcrs', 'PcrIndexOutOfRange()', { pcrs: (p) => { p[0].index = 32 } }],
  ['pcrs', 'PcrSelectionMismatch()', { quote: (f) => { f.selection = Buffer.from([1, 0x80, 0]) } }],
  ['pcrs', 'InvalidPcrDigestSize()', { quote: (f) => { f.digestSize = 48 } }],
  ['pcrs', 'PcrDigestMismatch()', { quote: (f) => { f.digest = zeros } }],
  ['pcrs', 'Panic(uint256)', { quote: (f) => { f.signer = Buffer.alloc(65535) } }],
  ['report_id', 'InvalidReportID()', { wc: (w) => { w.reportId = '0x00' } }],
  ['report_id', 'BytesOffsetOutOfBounds()', { wc: (w) => { w.reportId = '0x' + '00'.repeat(128) } }],
  ['extra_data', 'INVALID_TPM_DATA_LENGTH()', { quote: (f) => { f.extra = f.extra.subarray(0, 32) } }],
  ['extra_data', 'INVALID_TPM_DATA_LENGTH()', { quote: (f) => { f.extra = Buffer.concat([f.extra, Buffer.alloc(18)]) } }],
  ['extra_data', 'CVM_IDENTITY_MISMATCH(bytes32,bytes32)', { quote: (f) => { f.extra = Buffer.alloc(33, 0xff) } }],
  ['measurement', 'InvalidPcrEvents()', { wc: (w) => { w.pcrs[0].allEvents.reverse() } }],
  ['measurement', 'InvalidPcrEventIndex()', { wc: (w) => { w.pcrs[0].measureEventsIdx = [2n] } }],
  // two faults: the earlier step speaks
  ['identity_sanity', 'CVM_IDENTITY_INVALID()', { identity: (i) => { i.pubkey.algo = 0 }, args: (a) => { a[1] = 0 } }],
  ['tee_report', 'FAILED_TO_VERIFY_TEE()', { azure: true, reportData: zeros, args: (a) => { a[3] = '0x' } }],
  ['report_data', 'TEE_REPORT_DATA_MISMATCH(bytes32,bytes32)', { azure: true, reportData: zeros, doc: Buffer.from('{}') }],
  ['ak_chain', 'Error(string)', { signature: () => zeros, wc: (w) => { w.certs = [] } }],
  ['tpm_signature', 'TpmSignatureVerificationFailed()', { quote: (f) => { f.type = 0 }, signature: (s) => set(s, 20, s[20] ^ 1) }],
  ['pcrs', 'InvalidTpmAttType()', { quote: (f) => { f.type = 0; f.digest = zeros } }],
  ['report_id', 'InvalidReportID()', { quote: (f) => { f.extra = zeros }, wc: (w) => { w.reportId = '0x' } }],
  ['extra_data', 'INVALID_TPM_DATA_LENGTH()', { quote: (f) => { f.extra = zeros }, wc: (w) => { w.pcrs[0].measureEventsIdx = [9n] } }],
]

async function stops(step, error, calldata, time, what) {
  const p = await model('ask', time, calldata)
  seen.add(`${p.step} ${p.error}`)
  check(p.answer === 'revert' && p.step === step && p.error === error && p.row, `${what}: want ${step} ${error}, have ${p.step ?? p.answer} ${p.error ?? ''}`)
}
async function passes(calldata, time, what, keep = false) {
  const p = await model(keep ? 'send' : 'ask', time, calldata)
  check(p.answer === 'success', `${what}: ${p.step} ${p.words}`)
  return p
}

await model('place', CHAIN_ID, REGISTRY, 'g1b')
await model('root', ev.hex(chain[2]))
await passes(attest(), NOW, 'a good registration at Google')
await passes(attest({ azure: true }), NOW, 'a good registration at Azure')
for (const [step, error, o] of registrations) await stops(step, error, attest(o), NOW, 'registration')
await stops('ak_chain', 'CertificateExpired()', attest(), NOW + 600_000_000, 'registration, much later')

// --- calls on what is registered ---

async function fresh(identity = key) {
  await model('place', CHAIN_ID, REGISTRY, 'g1b')
  await passes(attest({ azure: true, key: identity }), NOW, 'registration', true)
}
function reattest(o = {}) {
  const id = structuredClone(ev.identityOf(o.next ?? key))
  o.identity?.(id)
  const calldata = attest({ azure: true, id, ...o, args: undefined })
  const { args } = decode(calldata)
  const quote = Buffer.from(args[5].tpmQuote.slice(2), 'hex')
  const text = ev.message('CVM_WORKLOAD_REATTEST_TPM', CHAIN_ID, REGISTRY, ev.word(o.nonce ?? 0), ev.sha256(quote))
  const hash = o.hash ?? ev.identityHash(ev.identityOf(o.signer ?? key))
  return ev.encode('reattestCvmWithTpm', [hash, ev.hex(o.raw ?? ev.signRaw(o.signer ?? key, text)), o.arg ?? args[4], args[5]])
}
function decode(calldata) {
  return decodeFunctionData({ abi: ev.registryAbi, data: calldata })
}

await fresh()
await passes(reattest(), NOW + 9, 'a good re-attestation')
await passes(reattest({ next: other }), NOW + 9, 'a good rotation')
await stops('registered', 'CVM_NOT_REGISTERED()', reattest({ hash: ev.hex(zeros) }), NOW + 9, 're-attestation')
await stops('reattest_signature', 'INVALID_SIGNATURE()', reattest({ nonce: 1 }), NOW + 9, 're-attestation')
await stops('reattest_signature', 'IncorrectSignatureLength()', reattest({ raw: Buffer.alloc(63) }), NOW + 9, 're-attestation')
await stops('tpm_signature', 'TpmSignatureVerificationFailed()', reattest({ signature: (s) => set(s, 50, s[50] ^ 1) }), NOW + 9, 're-attestation')
await stops('tpm_signature', 'UnsupportedSignatureScheme(uint16,uint16)', reattest({ signature: () => ev.tpmSignature(ecAk, zeros) }), NOW + 9, 're-attestation')
await stops('pcrs', 'PcrDigestMismatch()', reattest({ quote: (f) => { f.digest = zeros } }), NOW + 9, 're-attestation')
await stops('measurement', 'InvalidPcrEventIndex()', reattest({ pcrs: (p) => { p[0].measured = [7] } }), NOW + 9, 're-attestation')
await stops('rotation', 'CVM_IDENTITY_INVALID()', reattest({ next: other, identity: (i) => { i.sigAlgo.scheme = 0x10 } }), NOW + 9, 'rotation')
await stops('rotation', 'INVALID_TPM_DATA_LENGTH()', reattest({ next: other, quote: (f) => { f.extra = zeros } }), NOW + 9, 'rotation')
await stops('rotation', 'CVM_IDENTITY_MISMATCH(bytes32,bytes32)', reattest({ arg: ev.identityOf(other) }), NOW + 9, 'rotation')
await passes(reattest({ next: other }), NOW + 9, 'a rotation', true)
await stops('registered', 'CVM_NOT_REGISTERED()', reattest({ nonce: 1 }), NOW + 10, 're-attestation of what was rotated away')

function ttl(o = {}) {
  const signer = o.signer ?? key, values = o.values ?? [864000n, 864000n]
  const text = ev.message('CVM_WORKLOAD_TTL_CONFIG', CHAIN_ID, REGISTRY, ev.word(o.nonce ?? 0), ev.u64(values[0]), ev.u64(values[1]))
  return ev.encode('setCollateralTTL', [ev.identityHash(o.id ?? ev.identityOf(signer)), ...values, ev.hex(o.raw ?? ev.signRaw(signer, text))])
}
await fresh()
await passes(ttl(), NOW + 9, 'a good TTL')
await stops('registered', 'CVM_NOT_REGISTERED()', ttl({ signer: other }), NOW + 9, 'TTL')
await stops('ttl_signature', 'INVALID_SIGNATURE()', ttl({ nonce: 3 }), NOW + 9, 'TTL')
await stops('both_fresh', 'TEE_COLLATERAL_EXPIRED()', ttl(), NOW + 2592000, 'TTL')
await stops('both_fresh', 'Panic(uint256)', ttl(), NOW - 1, 'TTL before the registration')
await passes(ttl({ values: [10_000_000n, 100n] }), NOW + 9, 'TTL', true)
await stops('both_fresh', 'TPM_COLLATERAL_EXPIRED()', ttl({ nonce: 1 }), NOW + 200, 'TTL')

for (const [error, change] of [
  ['NotEcPublicKey()', (i) => { i.pubkey.algo = 1 }],
  ['CompressedPublicKeyNotSupported()', (i) => { i.pubkey.data = '0x02' + i.pubkey.data.slice(4, 68) }],
  ['UnsupportedHashAlgorithm(uint16)', (i) => { i.sigAlgo.hashAlgo = 0xc }],
  ['UnsupportedSignatureAlgorithm(uint16)', (i) => { i.sigAlgo.scheme = 0x16 }],
  ['InvalidRsaPubkeyFormat()', (i) => { i.pubkey.algo = 1; i.sigAlgo.scheme = 0x14; i.pubkey.params = 0 }],
  ['NotRsaPublicKey()', (i) => { i.sigAlgo.scheme = 0x14 }],
]) {
  await model('place', CHAIN_ID, REGISTRY, 'g1b')
  const id = ev.identityOf(key)
  change(id)
  await passes(attest({ azure: true, id }), NOW, 'a key that cannot sign', true)
  await stops('ttl_signature', error, ttl({ id }), NOW + 9, 'TTL of a key that cannot sign')
}
await fresh(rsaKey)
await passes(ttl({ signer: rsaKey }), NOW + 9, 'TTL by an RSA identity')
await stops('ttl_signature', 'IncorrectSignatureLength()', ttl({ signer: rsaKey, raw: Buffer.alloc(64) }), NOW + 9, 'TTL by an RSA identity')

const unknown = await model('ask', NOW, toFunctionSelector('function nothing()'))
check(unknown.answer === 'revert' && unknown.error === '(empty)', 'no such function')
tool.stdin.end()
console.log(`${seen.size} rows raised`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
