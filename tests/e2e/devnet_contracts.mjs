#!/usr/bin/env node
// The devnet contracts themselves: where they refuse to live, the proxy and its upgrade, the storage that clients read,
// and the pieces whose recorded answers are few (SHA-384, keys out of certificates and var data, RSA padding), against
// node's own crypto and openssl.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { constants, createHash, generateKeyPairSync, privateEncrypt, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  decodeErrorResult, decodeFunctionResult, encodeAbiParameters, encodeDeployData, encodeFunctionData, getAbiItem, keccak256,
  toFunctionSelector,
} from 'viem';
import { PROFILES, build, compile, readSources } from '../../deploy/devnet/build.mjs';
import { P256_PRECOMPILE, contractsOf, deploy, send, transact, upgrade } from '../../deploy/devnet/deploy.mjs';
import { startAnvil } from '../support/anvil.mjs';

const deployScript = fileURLToPath(new URL('../../deploy/devnet/deploy.mjs', import.meta.url));
const IMPLEMENTATION_SLOT = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc';
const UNKNOWN = '0x' + '42'.repeat(32);
const hex = (bytes) => '0x' + Buffer.from(bytes).toString('hex');
const word = (address) => '0x' + address.slice(2).toLowerCase().padStart(64, '0');

// What the libraries do, made callable.
const HARNESS = `
pragma solidity 0.8.27;
import "lib/Types.sol";
import {Der} from "lib/Der.sol";
import {Keys} from "lib/Keys.sol";
import {Sha384} from "lib/Sha384.sol";
contract Harness {
    function sha384(bytes memory m) external pure returns (Bytes48 memory) { return Sha384.hash(m); }
    function certificateKey(bytes memory der) external pure returns (CertPubkey memory) {
        return Der.certificateKey(der);
    }
    function verifyRsa(bytes32 digest, bytes memory signature, CertPubkey memory key) external view returns (bool) {
        (bytes memory n, bytes memory e) = Keys.rsa(key);
        return Keys.verifyRsa(digest, signature, n, e);
    }
}`;

const count = { passed: 0, failed: 0 };
async function test(name, body) {
  try {
    await body();
    count.passed++;
  } catch (error) {
    count.failed++;
    console.log(`FAIL ${name}: ${error.message}`);
  }
}

/** A contract on a chain: view(name, ...args), refused(name, ...args) -> revert data, transact(name, ...args). */
function contract(rpc, from, address, abi) {
  const call = (functionName, args) => ({ from, to: address, data: encodeFunctionData({ abi, functionName, args }) });
  return {
    async view(functionName, ...args) {
      const data = await rpc('eth_call', call(functionName, args), 'latest');
      return decodeFunctionResult({ abi, functionName, data });
    },
    async refused(functionName, ...args) {
      return revertOf(rpc, call(functionName, args));
    },
    transact: (functionName, ...args) => transact(rpc, call(functionName, args)),
  };
}

async function revertOf(rpc, call) {
  try {
    await rpc('eth_call', call, 'latest');
  } catch (error) {
    if (typeof error.data === 'string') return error.data;
    throw error;
  }
  throw new Error('did not revert');
}

const errorName = (abi, data) => decodeErrorResult({ abi, data }).errorName;

async function chainIds(artifacts) {
  const args = { DevnetTpm: [P256_PRECOMPILE] };
  for (const chainId of [1, 11155111, 1398243, 1337]) {
    const anvil = await startAnvil(['--chain-id', String(chainId)]);
    const [from] = await anvil.rpc('eth_accounts');
    for (const name of ['DevnetTpm', 'DevnetDcap', 'DevnetSnp']) {
      const { abi, bytecode } = artifacts[name];
      const data = encodeDeployData({ abi, bytecode, args: args[name] ?? [] });
      await test(`${name} on chain ${chainId}`, async () => {
        const receipt = await send(anvil.rpc, { from, data, gas: '0xf00000' });
        assert.equal(receipt.status, chainId === 1337 ? '0x1' : '0x0');
        if (chainId !== 1337) assert.equal(errorName(abi, await revertOf(anvil.rpc, { from, data })), 'NotADevnet');
      });
    }
    if (chainId !== 1337) {
      const refusal = new RegExp(`chain ${chainId} is not a devnet`);
      await test(`deploy on chain ${chainId}`, () => assert.rejects(deploy(anvil.rpc), refusal));
    }
    await anvil.stop();
  }
}

async function proxyAndStorage(anvil, artifacts, at) {
  const { rpc } = anvil;
  const { abi } = artifacts.DevnetCVMRegistry;
  const [owner, stranger] = await rpc('eth_accounts');
  const registry = contract(rpc, owner, at.registry, abi);
  const implementation = contract(rpc, owner, at.implementation, abi);
  const asStranger = contract(rpc, stranger, at.registry, abi);
  const stored = (slot) => rpc('eth_getStorageAt', at.registry, slot, 'latest');

  await test('addresses', async () => {
    assert.equal((await registry.view('owner')).toLowerCase(), owner.toLowerCase());
    assert.equal((await registry.view('workloadVerifier')).toLowerCase(), at.workload_verifier);
    assert.equal((await registry.view('tpmAttestation')).toLowerCase(), at.tpm);
    assert.equal(await registry.view('P256_VERIFIER'), P256_PRECOMPILE);
    assert.equal(await registry.view('UPGRADE_INTERFACE_VERSION'), '5.0.0');
  });
  await test('storage as profile G1b lays it out', async () => {
    const { storageLayout } = artifacts.DevnetCVMRegistry;
    const slots = storageLayout.map(({ label, slot }) => `${slot} ${label}`);
    assert.deepEqual(slots, ['0 p256Verifier', '1 _configs', '2 _nonces']);
    assert.equal(await stored('0x0'), word(P256_PRECOMPILE));
    assert.equal(await stored(IMPLEMENTATION_SLOT), word(at.implementation));
    const slot = keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], [UNKNOWN, 2n]));
    await rpc('anvil_setStorageAt', at.registry, slot, '0x' + '7'.padStart(64, '0'));
    assert.equal(BigInt(await stored(slot)), 7n);
  });
  await test('an unknown identity', async () => {
    assert.equal(await registry.view('hasRegistered', UNKNOWN), false);
    const validity = ['checkTEEValidity', 'checkTPMValidity'];
    for (const name of ['nonces', ...validity, 'getMeasurementHash', 'getCvmIdentity', 'getCvmConfig']) {
      assert.equal(await registry.refused(name, UNKNOWN), '0x75a1d53a', name);
    }
  });
  await test('no value, no unknown function, no plain transfer', async () => {
    const data = encodeFunctionData({ abi, functionName: 'setCollateralTTL', args: [UNKNOWN, 1n, 1n, '0x'] });
    assert.equal(await revertOf(rpc, { from: owner, to: at.registry, data, value: '0x1' }), '0x');
    assert.equal(await revertOf(rpc, { from: owner, to: at.registry, data: '0xdf42b054' }), '0x');
    assert.equal(await revertOf(rpc, { from: owner, to: at.registry, value: '0x1' }), '0x');
  });
  await test('initialized once, and only behind the proxy', async () => {
    for (const one of [registry, implementation]) {
      assert.equal(errorName(abi, await one.refused('initialize', stranger, P256_PRECOMPILE)), 'InvalidInitialization');
    }
    assert.equal(await implementation.view('proxiableUUID'), IMPLEMENTATION_SLOT);
    assert.equal(errorName(abi, await registry.refused('proxiableUUID')), 'UUPSUnauthorizedCallContext');
  });
  await test('an upgrade is the owner\'s, moves the implementation slot and keeps the state', async () => {
    const { bytecode } = artifacts.DevnetCVMRegistry;
    const data = encodeDeployData({ abi, bytecode, args: [at.workload_verifier] });
    const { contractAddress: next } = await transact(rpc, { from: owner, data });
    const refusal = async (one, to) => errorName(abi, await one.refused('upgradeToAndCall', to, '0x'));
    assert.equal(await refusal(asStranger, next), 'OwnableUnauthorizedAccount');
    assert.equal(await refusal(implementation, next), 'OwnableUnauthorizedAccount');
    assert.equal(await refusal(registry, stranger), 'ERC1967InvalidImplementation');
    await registry.transact('upgradeToAndCall', next, '0x');
    assert.equal(await stored(IMPLEMENTATION_SLOT), word(next));
    assert.equal((await registry.view('owner')).toLowerCase(), owner.toLowerCase());
    await registry.transact('transferOwnership', stranger);
    assert.equal((await registry.view('owner')).toLowerCase(), stranger.toLowerCase());
  });
}

/** A self-signed certificate with that key, as DER. */
function certificateOf(privateKey) {
  const folder = mkdtempSync(join(tmpdir(), 'devnet-contracts-'));
  try {
    const [key, cert] = ['key.pem', 'cert.der'].map((name) => join(folder, name));
    writeFileSync(key, privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const request = ['req', '-x509', '-new', '-key', key, '-subj', '/CN=test', '-outform', 'DER', '-out', cert];
    execFileSync('openssl', request);
    return readFileSync(cert);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function pieces(anvil, artifacts, at) {
  const { rpc } = anvil;
  const [from] = await rpc('eth_accounts');
  const sources = readSources('lib/');
  sources['Harness.sol'] = { content: '// SPDX-License-Identifier: Apache-2.0' + HARNESS };
  const { Harness } = compile(sources, { 'Harness.sol': ['Harness'] });
  const { contractAddress } = await transact(rpc, { from, data: Harness.bytecode });
  const harness = contract(rpc, from, contractAddress, Harness.abi);
  const verifier = contract(rpc, from, at.workload_verifier, artifacts.DevnetWorkloadVerifier.abi);

  await test('SHA-384 of every length it takes, and of none above', async () => {
    for (let length = 0; length < 128; length++) {
      const message = randomBytes(length);
      const { first, second } = await harness.view('sha384', hex(message));
      assert.equal(first + second.slice(2), hex(createHash('sha384').update(message).digest()), `length ${length}`);
    }
    for (const length of [128, 129, 240, 1000]) {
      assert.equal(await harness.refused('sha384', hex(randomBytes(length))), '0xe3a721c7');
    }
  });

  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rsaKey = { algo: 1, params: 0, data: hex(rsa.publicKey.export({ type: 'pkcs1', format: 'der' })) };
  await test('keys out of certificates', async () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const point = ec.publicKey.export({ type: 'spki', format: 'der' }).subarray(-65);
    const ecCert = certificateOf(ec.privateKey);
    assert.deepEqual(await harness.view('certificateKey', hex(ecCert)), { algo: 0x23, params: 3, data: hex(point) });
    assert.deepEqual(await harness.view('certificateKey', hex(certificateOf(rsa.privateKey))), rsaKey);
    const refusal = async (key) => (await harness.refused('certificateKey', hex(certificateOf(key)))).slice(0, 10);
    assert.equal(await refusal(generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey), '0x80fa445a');
    assert.equal(await refusal(generateKeyPairSync('ed25519').privateKey), '0x87359400');
    for (let length = 0; length < ecCert.length; length += 7) {
      await harness.refused('certificateKey', hex(ecCert.subarray(0, length)));
    }
  });
  await test('RSA signatures, with and without the NULL in DigestInfo', async () => {
    const digest = randomBytes(32);
    const signed = (prefix, padding = constants.RSA_PKCS1_PADDING) =>
      hex(privateEncrypt({ key: rsa.privateKey, padding }, Buffer.concat([Buffer.from(prefix, 'hex'), digest])));
    const ask = (signature) => harness.view('verifyRsa', hex(digest), signature, rsaKey);
    assert.equal(await ask(signed('3031300d060960864801650304020105000420')), true);
    assert.equal(await ask(signed('302f300b06096086480165030402010420')), true);
    assert.equal(await ask(signed('3031300d060960864801650304020205000420')), false);
    assert.equal(await ask(signed('302f300d060960864801650304020105000420')), false);
    assert.equal(await ask(signed('')), false);
    assert.equal(await ask('0x' + 'ff'.repeat(256)), false);
    assert.equal(await ask('0x' + '00'.repeat(256)), false);
  });
  await test('an attestation key out of var data, in either base64', async () => {
    const { n, e } = rsa.publicKey.export({ format: 'jwk' });
    const padded = Buffer.from(n, 'base64url').toString('base64');
    for (const modulus of [n, padded]) {
      const ak = `{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"${e}","n":"${modulus}"}`;
      const text = `{"keys":[${ak},{"kid":"HCLEkPub"}]}`;
      assert.deepEqual(await verifier.view('parseVarKeyJson', text), rsaKey);
      await verifier.refused('parseVarKeyJson', text.replace('HCLEkPub', 'HCLekPub'));
      await verifier.refused('parseVarKeyJson', text.replace('"n":"', '"n": "'));
    }
  });
}

const u16 = (value) => Buffer.from([value >> 8, value & 0xff]);
const sha256 = (...parts) => createHash('sha256').update(Buffer.concat(parts)).digest();

/** A TPMS_ATTEST, each part of which can be given otherwise. */
function quote(parts = {}) {
  const { type = 0x8018, signer = Buffer.alloc(34, 1), extra = Buffer.alloc(33, 2), count = 1, hash = 0x0b } = parts;
  const { signerLength = signer.length, extraLength = extra.length, selection = Buffer.from('010080', 'hex') } = parts;
  const { digest = sha256(Buffer.alloc(32, 3), Buffer.alloc(32, 4)), digestLength = digest.length } = parts;
  return Buffer.concat([
    Buffer.from('ff544347', 'hex'), u16(type), u16(signerLength), signer, u16(extraLength), extra, Buffer.alloc(25),
    Buffer.from([0, 0, 0, count]), u16(hash), Buffer.from([parts.selectionLength ?? selection.length]), selection,
    u16(digestLength), digest,
  ]);
}

function pcr(index, value, events = [], measured = [], measurePcr = true) {
  return { index: BigInt(index), pcr: hex(value), allEvents: events.map(hex), measureEventsIdx: measured, measurePcr };
}

async function quotes(anvil, artifacts, at) {
  const { abi } = artifacts.DevnetTpm;
  const tpm = contract(anvil.rpc, at.owner, at.tpm, abi);
  const three = Buffer.alloc(32, 3);
  const four = Buffer.alloc(32, 4);
  const zero = Buffer.alloc(32);
  const list = [pcr(0, three), pcr(23, four)];
  const extended = sha256(sha256(zero, three), four);
  const PANIC = 'Panic(17)';
  const accepted = [
    ['plain', quote(), list],
    ['no signer, no extra data', quote({ signer: zero.subarray(32), extra: zero.subarray(32) }), list],
    ['bytes behind it', Buffer.concat([quote(), zero]), list],
    ['four bytes of selection', quote({ selection: Buffer.from('01008000', 'hex') }), list],
    ['255 bytes of selection', quote({ selection: Buffer.from('01008000'.padEnd(510, 'f'), 'hex') }), list],
    ['nothing selected', quote({ selection: zero.subarray(32), digest: sha256() }), []],
    ['an entry twice', quote({ selection: Buffer.from('01', 'hex'), digest: sha256(three, three) }), [list[0], list[0]]],
    ['a value from its events', quote({ selection: Buffer.from('02', 'hex'), digest: sha256(extended) }),
      [pcr(1, zero, [three, four])]],
    ['a 33rd entry of any index', quote({ selection: Buffer.from('ffffffff', 'hex'),
      digest: sha256(...Array(33).fill(three)) }), [...Array(32).keys(), 10n ** 30n].map((i) => pcr(i, three))],
  ];
  for (const [name, bytes, pcrs] of accepted) {
    await test(`quote: ${name}`, async () => {
      const [ok, extra] = await tpm.view('checkPcrMeasurements', hex(bytes), pcrs);
      const from = 10 + bytes.readUInt16BE(6);
      assert.deepEqual([ok, extra], [true, hex(bytes.subarray(from, from + bytes.readUInt16BE(from - 2)))]);
    });
  }

  const whole = quote();
  const long = (extraLength) => Buffer.concat([quote({ extraLength }), Buffer.alloc(65535)]);
  const refused = [
    ['PcrDigestMismatch', whole, [list[1], list[0]]],
    ['PcrSelectionMismatch', whole, [list[0]]],
    ['PcrSelectionMismatch', quote({ selection: Buffer.from('01000080', 'hex') }), list],
    ['PcrIndexOutOfRange', whole, [pcr(32, three), list[1]]],
    ['InvalidTpmAttType', quote({ type: 0x8014 }), list],
    ['InvalidTpmsPcrCount', quote({ count: 2 }), list],
    ['UnsupportedHashAlgorithm', quote({ hash: 0x0c }), list],
    ['InvalidPcrDigestSize', quote({ digestLength: 31 }), list],
    ['TpmQuoteTooShort', quote({ signerLength: 0xfff5 }), list],
    [PANIC, quote({ signerLength: 0xfff6 }), list],
    [PANIC, quote({ extraLength: 0xffff }), list],
    ['TpmQuoteTooShort', quote({ extraLength: 65535 - 10 - 34 }), list],
    [PANIC, long(65535 - 10 - 34), list],
    [PANIC, long(65536 - 35 - 34), list],
    ['InvalidTpmsPcrCount', long(65535 - 35 - 34), list],
    ...[...whole.keys()].map((length) => ['TpmQuoteTooShort', whole.subarray(0, length), list]),
  ];
  for (const [i, [wanted, bytes, pcrs]] of refused.entries()) {
    await test(`quote refused, ${i}: ${wanted}`, async () => {
      const data = await tpm.refused('checkPcrMeasurements', hex(bytes), pcrs);
      const { errorName: got, args } = decodeErrorResult({ abi, data });
      assert.equal(got === 'Panic' ? `Panic(${args[0]})` : got, wanted);
    });
  }

  await test('final measurement', async () => {
    const [plain, partly] = await tpm.view('toFinalMeasurement', [
      pcr(7, three), pcr(8, extended, [three, four], [1n, 1n, 0n], false),
    ]);
    assert.deepEqual(plain, { index: 7n, pcr: hex(three), measureEvents: [], measureEventsIdx: [] });
    assert.deepEqual(partly, {
      index: 8n, pcr: hex(zero), measureEvents: [four, four, three].map(hex), measureEventsIdx: [1n, 1n, 0n],
    });
    const refusals = [
      ['InvalidPcrEvents', pcr(8, extended, [four, three])],
      ['InvalidPcrEvents', pcr(8, extended, [four, three], [2n])],
      ['InvalidPcrEventIndex', pcr(8, extended, [three, four], [2n])],
      ['InvalidPcrEventIndex', pcr(8, three, [], [0n])],
      ['InvalidPcrEventIndex', pcr(8, zero, [three], [2n ** 256n - 1n])],
    ];
    for (const [wanted, entry] of refusals) {
      assert.equal(errorName(abi, await tpm.refused('toFinalMeasurement', [entry])), wanted);
    }
    await tpm.view('toFinalMeasurement', [pcr(8, zero, [three], [0n])]);
  });
}

/** Where each generation keeps what clients read, and what tells it from the others. */
async function generations(anvil) {
  const artifacts = await build(PROFILES);
  const slotsOf = (name) => artifacts[name].storageLayout.map(({ label, slot }) => `${slot} ${label}`);
  await test('storage as profiles G1a and G1c lay it out', () => {
    assert.deepEqual(slotsOf('DevnetCVMRegistryG1a'), ['0 _configs', '1 _nonces']);
    assert.deepEqual(slotsOf('DevnetCVMRegistryG1c'), ['0 _configs', '1 _nonces', '2 _usedTeeReports']);
  });
  const selectors = { g1a: ['df42b054', '60ca2da1'], g1b: ['4a231d6f', '4f973076'], g1c: ['81729352', '339f45f6'] };
  for (const profile of PROFILES) {
    const { abi } = artifacts[contractsOf(profile).registry];
    await test(`selectors of ${profile}`, () => {
      const own = ['attestCvm', 'reattestCvmWithTpm'].map((name) => toFunctionSelector(getAbiItem({ abi, name })).slice(2));
      assert.deepEqual(own, selectors[profile]);
    });
    await test(`P-256 verifier of ${profile}`, async () => {
      const at = await deploy(anvil.rpc, { profile });
      const ask = () => anvil.rpc('eth_call', { to: at.registry, data: '0x536c633d' }, 'latest');
      if (profile === 'g1a') await assert.rejects(ask(), /revert/);
      else assert.equal(await ask(), word(P256_PRECOMPILE));
      const slot = '0xe14592f9f06e20ef744c7e59ef92bf7639f51a724e700ead1beb97e5d1411686';
      const stored = await anvil.rpc('eth_getStorageAt', at.registry, slot, 'latest');
      assert.equal(stored, profile === 'g1c' ? word(P256_PRECOMPILE) : word('0x'));
    });
  }
  await test('an upgrade from G1b to G1c can be initialized, once', async () => {
    const { registry } = await deploy(anvil.rpc);
    const at = await upgrade(anvil.rpc, registry, { profile: 'g1c' });
    const { abi } = artifacts.DevnetCVMRegistryG1c;
    const one = contract(anvil.rpc, at.owner, registry, abi);
    assert.equal(await one.view('P256_VERIFIER'), P256_PRECOMPILE);
    assert.equal(errorName(abi, await one.refused('initialize', at.owner, P256_PRECOMPILE)), 'InvalidInitialization');
  });
}

const artifacts = await build();
await chainIds(artifacts);
const anvil = await startAnvil(['--chain-id', '31337']);
const printed = execFileSync(process.execPath, [deployScript, '--rpc', anvil.url], { encoding: 'utf8' });
const at = JSON.parse(printed);
await pieces(anvil, artifacts, at);
await quotes(anvil, artifacts, at);
await proxyAndStorage(anvil, artifacts, at);
await generations(anvil);
await anvil.stop();
console.log(`${count.passed} passed, ${count.failed} failed, 0 skipped`);
process.exitCode = count.failed > 0 ? 1 : 0;
