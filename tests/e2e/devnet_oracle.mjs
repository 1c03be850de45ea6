#!/usr/bin/env node
// The devnet registries against the recorded answers of the real ones (all three profiles): return data, revert data byte
// for byte, events, and the state afterwards.  devnet_oracle.mjs [NAME...]: cases whose name contains NAME.
// Cases whose answer rests on the attestation key's certificate chain, which the devnet registry takes on trust, are
// listed below. They are run all the same: one that agrees has no business on the list.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { encodeAbiParameters, keccak256 } from 'viem';
import { PROFILES } from '../../deploy/devnet/build.mjs';
import { startDevnet } from '../support/devnet.mjs';

const ROOT = 'which root ends the chain';
const SIGNED = 'who signed a certificate';
const DATES = 'dates of a certificate';
const FLAGS = 'CA flag, path length or key usage of a certificate';
const NAMES = 'names or key identifiers of a certificate';
const CHAIN_CASES = {
  'attest-cert-four-dup': FLAGS,
  'attest-cert-reversed': ROOT,
  'attest-cert-no-root': ROOT,
  'attest-cert-leaf-only': ROOT,
  'attest-cert-root-only': FLAGS,
  'attest-cert-foreign-root': ROOT,
  'attest-cert-foreign-int-root': ROOT,
  'attest-cert-forged-leaf': SIGNED,
  'attest-cert-leaf-ca': FLAGS,
  'attest-cert-leaf-wrong-issuer-name': NAMES,
  'attest-cert-leaf-wrong-akid': NAMES,
  'attest-cert-int-nobc': FLAGS,
  'attest-cert-int-notca': FLAGS,
  'attest-cert-int-nokcs': FLAGS,
  'attest-cert-int-noakid': NAMES,
  'attest-cert-root-tail': ROOT,
  'attest-cert-leaf-tbs-bit': NAMES,
  'attest-cert-time-before': DATES,
  'attest-cert-time-after': DATES,
  'cert-cached-int-expired-later': DATES,
  'cert-cached-int-forged-leaf': SIGNED,
  'attest-order-dates-before-names': DATES,
  'attest-order-chain-before-tpmsig': SIGNED,
  'fixture-gcp-tdx-attest-at-2060': DATES,
  'fixture-gcp-tdx-certs-reversed': ROOT,
  'fixture-gcp-tdx-certs-no-root': ROOT,
  'fixture-gcp-tdx-certs-no-int': NAMES,
  'fixture-gcp-tdx-certs-leaf-sig': SIGNED,
  'fixture-gcp-tdx-certs-int-sig': SIGNED,
  'fixture-gcp-tdx-certs-lab-root': NAMES,
  'g1a-reattest-no-root': ROOT,
  'g1a-reattest-foreign-root': ROOT,
  'g1a-reattest-forged-leaf': SIGNED,
  'g1a-reattest-leaf-old': DATES,
  'g1a-cache-leaf-then-any-chain': SIGNED,
  'g1a-cache-leaf-alone': ROOT,
};

const vectors = join(
  process.env.CVM_VECTORS ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url)), 'registry-v1-oracle',
);
const DCAP_ANSWERS = {
  'false with a reason': { mode: 1, data: '0x' },
  'true with 394 zero bytes': { mode: 2, data: '0x' + '00'.repeat(394) },
  'reverts with Error("stub: revert")': {
    mode: 3,
    data: '0x08c379a0' + encodeAbiParameters([{ type: 'string' }], ['stub: revert']).slice(2),
  },
};

const seconds = (text) => Date.parse(text) / 1000;
const hex = (bytes) => '0x' + Buffer.from(bytes).toString('hex');

/** The calldata of a case or of a call before it: a file with the changes that the manifest names. */
function calldataOf({ file, mutate = [] }) {
  let bytes = readFileSync(join(vectors, file));
  for (const { op, offset, bit, hex: text, length } of mutate) {
    if (op === 'flip') bytes[offset] ^= 1 << bit;
    else if (op === 'set') Buffer.from(text, 'hex').copy(bytes, offset);
    else if (op === 'append') bytes = Buffer.concat([bytes, Buffer.from(text, 'hex')]);
    else if (op === 'truncate') bytes = bytes.subarray(0, length);
    else throw new Error(`unknown change: ${op}`);
  }
  return hex(bytes);
}

/** Replay one case on a fresh state. Returns what differs, as lines. */
async function replay(stage, test) {
  const { state, expect } = test;
  const differences = [];
  const same = (what, got, want) => {
    const [a, b] = [got, want].map((value) => JSON.stringify(value));
    if (a !== b) differences.push(`${what}: got ${a}, want ${b}`);
  };
  if (state.report_id_pcr !== 15) {
    await stage.setReportIdPcr(state.report_id_pcr);
  }
  for (const call of state.prior) {
    const receipt = await stage.send(calldataOf(call), seconds(call.at));
    same(`before (${call.what ?? call.file})`, receipt.status === '0x1' ? 'success' : 'revert', call.result);
  }
  if (state.dcap_answer) {
    const { mode, data } = DCAP_ANSWERS[state.dcap_answer];
    await stage.setDcapAnswer(mode, data);
  }

  const time = seconds(test.verify_at);
  const data = calldataOf(test);
  const answer = await stage.ask(data, time);
  const receipt = await stage.send(data, time);
  same('call', answer.revert === undefined ? 'success' : 'revert', expect.contract);
  same('transaction', receipt.status === '0x1' ? 'success' : 'revert', expect.contract);
  if (expect.contract === 'revert') {
    same('revert data', answer.revert, expect.revert_data);
    return differences;
  }
  if (answer.revert !== undefined) differences.push(`revert data: ${answer.revert}`);
  if (expect.measurement_hash) {
    same('measurement hash', keccak256(answer.data ?? '0x'), expect.measurement_hash);
    same('return length', (answer.data?.length - 2) / 2, expect.return_length);
  }
  same('events', stage.eventsOf(receipt), expect.events);
  if (expect.after) { // not of G1a: its views were rebuilt
    const after = await stage.stateOf(expect.after.identity_hash, time);
    for (const [name, want] of Object.entries(expect.after)) same(`after: ${name}`, after[name], want);
  }
  if (expect.old_identity) {
    const { identity_hash: old, registered, nonce_in_storage: nonce } = expect.old_identity;
    same('old identity registered', await stage.view('hasRegistered', time, old), registered);
    same('old nonce in storage', Number(await stage.storedNonce(old)), nonce);
  }
  return differences;
}

async function main() {
  const manifest = join(vectors, 'manifest.json');
  if (!existsSync(manifest)) {
    console.log(`skipped: no recorded answers at ${vectors} (CVM_VECTORS names the folder of the vectors)`);
    console.log('0 passed, 0 failed, 1 skipped');
    return 0;
  }
  const wanted = process.argv.slice(2);
  const cases = JSON.parse(readFileSync(manifest, 'utf8')).cases;
  const count = { passed: 0, failed: 0, skipped: 0 };
  const unknown = new Set(Object.keys(CHAIN_CASES));

  async function run(stage, test) {
    const name = test.id.split('/')[1];
    const reason = CHAIN_CASES[name];
    unknown.delete(name);
    if (wanted.length > 0 && !wanted.some((part) => name.includes(part))) return;
    const snapshot = await stage.snapshot();
    const differences = await replay(stage, test);
    await stage.revert(snapshot);
    if (reason && differences.length > 0) {
      count.skipped++;
      console.log(`skip ${name}: rests on a certificate chain (${reason})`);
      return;
    }
    if (reason) differences.push('agrees, though it is listed as resting on a certificate chain');
    count[differences.length > 0 ? 'failed' : 'passed']++;
    for (const line of differences) console.log(`FAIL ${name}: ${line}`);
  }

  for (const profile of PROFILES) {
    const own = cases.filter((test) => test.profile.toLowerCase() === profile);
    const stage = await startDevnet({ profile, registry: own[0].state.registry, genesis: seconds('2025-08-01') });
    for (const test of own) await run(stage, test);
    await stage.stop();
  }
  for (const name of unknown) {
    count.failed++;
    console.log(`FAIL ${name}: listed, but there is no such case`);
  }
  console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped} skipped`);
  return count.failed > 0 ? 1 : 0;
}

process.exitCode = await main();
