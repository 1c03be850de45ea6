// Evidence and registry calls (of profile G1b; generation() for the others) made out of nothing: keys, TPM quotes, TDX quotes whose signatures nobody checks,
// var data, certificates. For tests that need thousands of calls whose every field they choose.
import { execFileSync } from 'node:child_process';
import { createHash, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { concatHex, encodeFunctionData, keccak256, parseAbi, toHex } from 'viem';

const TYPES = [
  'struct CertPubkey { uint16 algo; uint16 params; bytes data; }',
  'struct SignatureAlgorithm { uint16 scheme; uint16 hashAlgo; }',
  'struct CVMIdentity { CertPubkey pubkey; SignatureAlgorithm sigAlgo; }',
  'struct Pubkey { uint16 sigScheme; uint16 curve; uint16 hashAlgo; bytes data; }',
  'struct MeasureablePcr { uint256 index; bytes32 pcr; bytes32[] allEvents; uint256[] measureEventsIdx; bool measurePcr; }',
  'struct WorkloadCollaterals { bytes tpmQuote; bytes tpmSignature; MeasureablePcr[] pcrs; bytes reportId; bytes akPub; bytes[] certs; }',
  'struct WorkloadCollateralsG1a { bytes tpmQuote; bytes tpmSignature; MeasureablePcr[] pcrs; bytes reportId; bytes akPub; bytes[] certs; Pubkey cvmIdentity; }',
];
export const registryAbi = parseAbi([
  ...TYPES,
  'function attestCvm(uint8 cloudType, uint8 teeType, uint8 teeReportType, bytes report, CVMIdentity id, WorkloadCollaterals wc)',
  'function reattestCvmWithTpm(bytes32 hash, bytes signature, CVMIdentity id, WorkloadCollaterals wc)',
  'function setCollateralTTL(bytes32 hash, uint64 teeTTL, uint64 tpmTTL, bytes signature)',
  'struct CVMConfig { uint8 teeType; uint8 cloudType; uint64 teeTTL; uint64 tpmTTL; uint64 teeRecentTimestamp; uint64 tpmRecentTimestamp; bytes32 measurementHash; bytes teeAttestationOutput; CVMIdentity cvmIdentity; CertPubkey tpmAk; }',
  'function getCvmConfig(bytes32) view returns (CVMConfig)',
  'function hasRegistered(bytes32) view returns (bool)',
  'function nonces(bytes32) view returns (uint256)',
]);

const TTL = 'function setCollateralTTL(bytes32 hash, uint64 teeTTL, uint64 tpmTTL, bytes signature)';
const ABIS = {
  g1a: parseAbi([
    ...TYPES, TTL,
    'function attestCvm(uint8 cloudType, uint8 teeType, uint8 teeReportType, bytes report, WorkloadCollateralsG1a wc)',
    'function reattestCvmWithTpm(bytes32 hash, bytes signature, WorkloadCollateralsG1a wc)',
  ]),
  g1b: registryAbi,
  g1c: parseAbi([
    ...TYPES, TTL,
    'function attestCvm(uint8 cloudType, uint8 teeType, uint8 teeReportType, bytes report, CVMIdentity id, bytes signature, WorkloadCollaterals wc)',
    'function reattestCvmWithTpm(bytes32 hash, bytes[2] signatures, CVMIdentity id, WorkloadCollaterals wc)',
  ]),
};

/** How a generation writes identities, messages and calls. What it has no use for is left out. */
export function generation(profile) {
  const abi = ABIS[profile];
  const call = (functionName, args) => encodeFunctionData({ abi, functionName, args });
  const narrow = profile === 'g1a';
  return {
    profile,
    /** G1a: the same numbers, and a point without its first byte. */
    identityOf(key) {
      const id = identityOf(key);
      if (narrow && key.kind === 'p256') id.pubkey.data = hex(key.point.subarray(1));
      return id;
    },
    message: (prefix, chainId, registry, ...rest) =>
      messageOf(prefix, narrow ? Number(chainId) & 0xffff : chainId, narrow ? 2 : 32, registry, ...rest),
    attest({ cloud, tee, type, report, id, signature, wc }) {
      const head = [cloud, tee, type, report];
      if (narrow) return call('attestCvm', [...head, { ...wc, cvmIdentity: narrowed(id) }]);
      return call('attestCvm', profile === 'g1c' ? [...head, id, signature, wc] : [...head, id, wc]);
    },
    /** signatures: of the stored identity; and, in G1c, of the new one. */
    reattest({ hash, signatures, id, wc }) {
      if (narrow) return call('reattestCvmWithTpm', [hash, signatures[0], { ...wc, cvmIdentity: narrowed(id) }]);
      return call('reattestCvmWithTpm', [hash, profile === 'g1c' ? signatures : signatures[0], id, wc]);
    },
    setTtl: ({ hash, tee, tpm, signature }) => call('setCollateralTTL', [hash, tee, tpm, signature]),
  };
}
const narrowed = ({ pubkey, sigAlgo }) =>
  ({ sigScheme: sigAlgo.scheme, curve: pubkey.params, hashAlgo: sigAlgo.hashAlgo, data: pubkey.data });

const digest = (alg, ...parts) => parts.reduce((h, p) => h.update(p), createHash(alg)).digest();
export const sha256 = (...parts) => digest('sha256', ...parts);
export const sha384 = (...parts) => digest('sha384', ...parts);
const zeros = (n) => Buffer.alloc(n);
const u16 = (v) => Buffer.from([v >> 8, v & 255]);
const u32 = (v) => Buffer.concat([u16(v >>> 16), u16(v & 0xffff)]);
export const hex = (bytes) => '0x' + Buffer.from(bytes).toString('hex');

/** An identity or AK: a key pair, its coordinates or numbers. */
export function newP256() {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { x, y } = publicKey.export({ format: 'jwk' });
  const point = Buffer.concat([Buffer.from([4]), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
  return { kind: 'p256', privateKey, publicKey, point };
}
export function newRsa(bits = 2048) {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: bits });
  return { kind: 'rsa', privateKey, publicKey, jwk: publicKey.export({ format: 'jwk' }), der: publicKey.export({ format: 'der', type: 'pkcs1' }) };
}
export const signRaw = (key, data) =>
  sign('sha256', data, key.kind === 'rsa' ? key.privateKey : { key: key.privateKey, dsaEncoding: 'ieee-p1363' });

export const identityOf = (key) =>
  key.kind === 'rsa'
    ? { pubkey: { algo: 1, params: 0, data: hex(key.der) }, sigAlgo: { scheme: 0x14, hashAlgo: 0xb } }
    : { pubkey: { algo: 0x23, params: 3, data: hex(key.point) }, sigAlgo: { scheme: 0x18, hashAlgo: 0xb } };
export const identityHash = (id) =>
  keccak256(concatHex([toHex(id.sigAlgo.scheme, { size: 2 }), toHex(id.pubkey.params, { size: 2 }), toHex(id.sigAlgo.hashAlgo, { size: 2 }), id.pubkey.data]));

/** TPMT_SIGNATURE over a quote. */
export function tpmSignature(ak, quote) {
  const raw = signRaw(ak, quote);
  if (ak.kind === 'rsa') return Buffer.concat([u16(0x14), u16(0xb), u16(raw.length), raw]);
  return Buffer.concat([u16(0x18), u16(0xb), u16(32), raw.subarray(0, 32), u16(32), raw.subarray(32)]);
}

export const replay = (events) => events.reduce((r, e) => sha256(r, e), zeros(32));

/** What a PCR list means to the quote: selection and digest. Values of 0 stand for the replay of their events. */
export function selectionOf(pcrs, size = 3) {
  const bits = zeros(size);
  for (const { index } of pcrs) if (index < size * 8) bits[index >> 3] |= 1 << (index & 7);
  return bits;
}
export const digestOf = (pcrs) =>
  sha256(...pcrs.map((p) => (p.value.equals(zeros(32)) ? replay(p.events) : p.value)));

/** TPMS_ATTEST. Every field may be given. */
export function tpmQuote(f) {
  return Buffer.concat([
    f.magic ?? Buffer.from('ff544347', 'hex'), u16(f.type ?? 0x8018), u16(f.signer.length), f.signer, u16(f.extra.length), f.extra,
    f.clock ?? Buffer.concat([zeros(16), Buffer.from([1])]), zeros(8), u32(f.count ?? 1), u16(f.bank ?? 0xb),
    Buffer.from([f.selection.length]), f.selection, u16(f.digestSize ?? 32), f.digest, f.tail ?? zeros(0),
  ]);
}

/** A TDX quote of version 4 without anything that Intel signed. */
export function tdxQuote({ rtmr3 = zeros(48), reportData = zeros(64), fill = 0 }) {
  const body = Buffer.alloc(584, fill);
  rtmr3.copy(body, 472);
  reportData.copy(body, 520);
  return Buffer.concat([Buffer.from([4, 0, 2, 0, 0x81, 0, 0, 0]), zeros(40), body, zeros(4)]);
}

export const varData = (ak) =>
  Buffer.from(JSON.stringify({
    keys: [
      { kid: 'HCLAkPub', key_ops: ['sign'], kty: 'RSA', e: ak.jwk.e, n: ak.jwk.n },
      { kid: 'HCLEkPub', key_ops: ['encrypt'], kty: 'RSA', e: 'AQAB', n: 'AQAB' },
    ],
  }));

export const pcrArg = (p) => ({
  index: BigInt(p.index), pcr: hex(p.value), allEvents: p.events.map(hex), measureEventsIdx: p.measured.map(BigInt), measurePcr: p.flag,
});
export const encode = (functionName, args) => encodeFunctionData({ abi: registryAbi, functionName, args });

/** The message that an identity signs. */
export const message = (prefix, chainId, registry, ...rest) => messageOf(prefix, chainId, 32, registry, ...rest);
function messageOf(prefix, chainId, width, registry, ...rest) {
  return Buffer.concat([Buffer.from(prefix), Buffer.from(toHex(chainId, { size: width }).slice(2), 'hex'), Buffer.from(registry.slice(2), 'hex'), ...rest]);
}
export const word = (v) => Buffer.from(toHex(v, { size: 32 }).slice(2), 'hex');
export const u64 = (v) => Buffer.from(toHex(v, { size: 8 }).slice(2), 'hex');

/** A laboratory CA and a certificate for this P-256 AK: leaf, intermediate, root, as DER. By openssl, in a folder of its own.
 * rsa: the CAs have RSA-4096 keys, as Google's do. */
export function akChain(ak, { rsa = false } = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'cvm-ca-'));
  const at = (name) => join(dir, name);
  const openssl = (...args) => execFileSync('openssl', args, { cwd: dir, stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    writeFileSync(at('ca.ext'), 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n');
    writeFileSync(at('leaf.ext'), 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n');
    writeFileSync(at('leaf.pub'), createPublicKey(ak.privateKey).export({ format: 'pem', type: 'spki' }));
    for (const name of ['root', 'int'])
      if (rsa) openssl('genrsa', '-out', `${name}.key`, '4096');
      else openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`);
    openssl('req', '-new', '-x509', '-key', 'root.key', '-subj', '/O=Laboratory/CN=Root', '-days', '3650', '-sha256', '-out', 'root.pem',
      '-addext', 'keyUsage=critical,keyCertSign,cRLSign');
    for (const [name, issuer, ext] of [['int', 'root', 'ca'], ['leaf', 'int', 'leaf']]) {
      openssl('req', '-new', '-key', 'int.key', '-subj', `/O=Laboratory/CN=${name}`, '-out', `${name}.csr`);
      openssl('x509', '-req', '-in', `${name}.csr`, '-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-set_serial', name === 'int' ? '17' : '18',
        '-days', '3650', '-sha256', '-extfile', `${ext}.ext`, '-out', `${name}.pem`, ...(name === 'leaf' ? ['-force_pubkey', 'leaf.pub'] : []));
    }
    return ['leaf', 'int', 'root'].map((name) => {
      openssl('x509', '-in', `${name}.pem`, '-outform', 'DER', '-out', `${name}.der`);
      return readFileSync(at(`${name}.der`));
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}
