// A devnet registry for tests: anvil, the contracts, and the questions one has about them.
import { decodeFunctionResult, encodeAbiParameters, encodeFunctionData, keccak256, toHex } from 'viem';
import { build } from '../../deploy/devnet/build.mjs';
import { contractsOf, deploy } from '../../deploy/devnet/deploy.mjs';
import { startAnvil } from './anvil.mjs';

const GAS = 16_000_000; // the fork allows 16,777,216 in one transaction
const EVENTS = {
  '0x2c17d3d94d8af4f1c0c204587ea9a4b36d46e7de6c5cd7a60789cfee51d2f54b': 'TpmSignatureVerified',
  '0x9a5be49730d12e895c077038ba6ddc661175ac9ebb1d48df56cdc54435e6c846': 'TpmMeasurementChecked',
  '0x64845dc53622ebb8d6b8e49053189f4124fb52f8104b1cd0d15b8bfc04d9c3d7': 'CVMUpdated',
  '0xc349c2001acb5fa3f0a5956ae37120f02a24bd3122277bfc779e4d4b54d16083': 'CVMTTLUpdated',
};

/** What a configuration says of its keys; G1a keeps no attestation key, and its identity has another shape. */
function keysOf({ cvmIdentity, tpmAk }) {
  if (!tpmAk) return { identity_data_keccak256: keccak256(cvmIdentity.data) };
  return {
    identity_algo: cvmIdentity.pubkey.algo,
    identity_data_keccak256: keccak256(cvmIdentity.pubkey.data),
    tpm_ak_algo: tpmAk.algo,
    tpm_ak_params: tpmAk.params,
    tpm_ak_data_keccak256: keccak256(tpmAk.data),
  };
}

/** A devnet registry on a chain of its own. Time is what each call says it is. */
class Devnet {
  constructor(anvil, at, artifacts) {
    this.rpc = anvil.rpc;
    this.stop = anvil.stop;
    this.at = at; // addresses by role
    this.profile = at.profile;
    this.artifacts = artifacts;
    this.abi = artifacts[contractsOf(at.profile).registry].abi;
  }

  /** Ask without changing anything. Returns { data } or { revert }. */
  async ask(data, time) {
    try {
      const call = { from: this.at.owner, to: this.at.registry, data, gas: toHex(GAS) };
      return { data: await this.rpc('eth_call', call, 'latest', {}, { time: toHex(time) }) };
    } catch (error) {
      if (typeof error.data !== 'string') throw error;
      return { revert: error.data };
    }
  }

  /** Send it in a block of that time. Returns the receipt, whatever became of it. */
  async send(data, time, to = this.at.registry) {
    const hash = await this.rpc('eth_sendTransaction', { from: this.at.owner, to, data, gas: toHex(GAS) });
    await this.rpc('evm_mine', toHex(time));
    const receipt = await this.rpc('eth_getTransactionReceipt', hash);
    if (!receipt) throw new Error(`transaction ${hash} was not mined`);
    return receipt;
  }

  snapshot() {
    return this.rpc('evm_snapshot');
  }

  revert(snapshot) {
    return this.rpc('evm_revert', snapshot);
  }

  setReportIdPcr(index) {
    return this.set('workload_verifier', contractsOf(this.profile).verifier, 'setReportIdPcr', index);
  }

  /** mode: see DevnetTee.sol (0 trust, 1 refuse, 2 fixed output, 3 revert with data). */
  setDcapAnswer(mode, data) {
    return this.set('dcap', 'DevnetDcap', 'setAnswer', mode, data);
  }

  /** Change a setting of a contract behind the registry, in the next second. */
  async set(role, contract, functionName, ...args) {
    const data = encodeFunctionData({ abi: this.artifacts[contract].abi, functionName, args });
    const { timestamp } = await this.rpc('eth_getBlockByNumber', 'latest', false);
    await this.send(data, Number(timestamp) + 1, this.at[role]);
  }

  /** A view's decoded answer, or undefined where it reverts. */
  async view(functionName, time, ...args) {
    const { data, revert } = await this.ask(encodeFunctionData({ abi: this.abi, functionName, args }), time);
    return revert ? undefined : decodeFunctionResult({ abi: this.abi, functionName, data });
  }

  /** The counter itself, for identities that are not registered. */
  async storedNonce(identity) {
    const place = [identity, this.profile === 'g1b' ? 2n : 1n];
    const slot = keccak256(encodeAbiParameters([{ type: 'bytes32' }, { type: 'uint256' }], place));
    return BigInt(await this.rpc('eth_getStorageAt', this.at.registry, slot, 'latest'));
  }

  /** The events of a receipt, by the contract's role and the event's name. */
  eventsOf(receipt) {
    const from = { [this.at.tpm.toLowerCase()]: 'tpm', [this.at.registry.toLowerCase()]: 'registry' };
    return receipt.logs.map(({ address, topics, data }) => {
      const event = { from: from[address.toLowerCase()], name: EVENTS[topics[0]], topic1: topics[1] };
      return data === '0x' ? event : { ...event, data };
    });
  }

  /** What the registry's views say about an identity at a time. */
  async stateOf(identity, time) {
    const config = await this.view('getCvmConfig', time, identity);
    if (!config) return { identity_hash: identity, registered: await this.view('hasRegistered', time, identity) };
    return {
      identity_hash: identity,
      registered: await this.view('hasRegistered', time, identity),
      tee_type: config.teeType,
      cloud_type: config.cloudType,
      tee_ttl: String(config.teeTTL),
      tpm_ttl: String(config.tpmTTL),
      tee_recent: Number(config.teeRecentTimestamp),
      tpm_recent: Number(config.tpmRecentTimestamp),
      measurement_hash: config.measurementHash,
      tee_output_keccak256: keccak256(config.teeAttestationOutput),
      tee_output_length: (config.teeAttestationOutput.length - 2) / 2,
      ...keysOf(config),
      nonce: String(await this.view('nonces', time, identity)),
      tee_valid_now: await this.view('checkTEEValidity', time, identity),
      tpm_valid_now: await this.view('checkTPMValidity', time, identity),
    };
  }
}

/**
 * Start a chain with a devnet registry. profile: its generation; registry: the address to put it at, where evidence is
 * bound to one; genesis: the chain's first second.
 */
export async function startDevnet({ profile = 'g1b', registry, genesis = 1_735_689_600 } = {}) {
  const artifacts = await build([profile]);
  const anvil = await startAnvil(['--chain-id', '31337', '--timestamp', String(genesis)]);
  const devnet = new Devnet(anvil, await deploy(anvil.rpc, { profile, registry }), artifacts);
  // Blocks are mined on request from here on: after evm_revert, anvil's own mining sometimes misses a transaction.
  await anvil.rpc('evm_setAutomine', false);
  return devnet;
}
