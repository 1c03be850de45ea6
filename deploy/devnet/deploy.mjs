// Deploy a devnet registry through nothing but JSON-RPC:
//   node deploy/devnet/deploy.mjs --rpc URL [--profile g1a|g1b|g1c] [--report-id-pcr N] [--registry ADDRESS]
//   node deploy/devnet/deploy.mjs --rpc URL --upgrade ADDRESS --profile g1a|g1b|g1c
// Prints one JSON object with the addresses. The node signs (its first account, which becomes the owner). --registry
// puts the proxy at a given address instead of a fresh one: anvil only, for evidence that is bound to an address.
// --upgrade puts another implementation behind a proxy that stands already.
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from './build.mjs';
import { npm } from './npm.mjs';

const { encodeDeployData, encodeFunctionData } = npm('viem');

export const P256_PRECOMPILE = '0x0000000000000000000000000000000000000100';
const IMPLEMENTATION_SLOT = '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc';

/** A JSON-RPC caller for `url`: rpc(method, ...params) gives the result or throws the node's error, `data` included. */
export function rpcClient(url) {
  let id = 0;
  return async function rpc(method, ...params) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: ++id, method, params });
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { result, error } = await response.json();
    if (error) throw Object.assign(new Error(`${method}: ${error.message}`), { code: error.code, data: error.data });
    return result;
  };
}

/** Send a transaction from the node's own account and wait until it is mined. Returns the receipt, reverted or not. */
export async function send(rpc, transaction) {
  const hash = await rpc('eth_sendTransaction', transaction);
  const deadline = Date.now() + 20_000;
  for (let wait = 1; Date.now() < deadline; wait = Math.min(2 * wait, 100)) {
    const receipt = await rpc('eth_getTransactionReceipt', hash);
    if (receipt) return receipt;
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
  throw new Error(`transaction ${hash} was not mined`);
}

/** The same for a transaction that has no business to revert. */
export async function transact(rpc, transaction) {
  const receipt = await send(rpc, transaction);
  if (receipt.status !== '0x1') throw new Error(`transaction ${receipt.transactionHash} reverted`);
  return receipt;
}

// What differs between the profiles in putting them up. wideChainId: G1a with 32 bytes of the chain's id in its messages.
const CONTRACTS = {
  g1a: {
    registry: 'DevnetCVMRegistryG1a', verifier: 'DevnetWorkloadVerifierG1a', tpm: 'DevnetTpmG1a',
    settings: ({ wideChainId = false }) => [wideChainId], initialize: (owner) => [owner],
  },
  g1b: {
    registry: 'DevnetCVMRegistry', verifier: 'DevnetWorkloadVerifier', tpm: 'DevnetTpm',
    settings: () => [], initialize: (owner) => [owner, P256_PRECOMPILE],
  },
  g1c: {
    registry: 'DevnetCVMRegistryG1c', verifier: 'DevnetWorkloadVerifier', tpm: 'DevnetTpm',
    settings: () => [], initialize: (owner) => [owner, P256_PRECOMPILE],
  },
};

/** Names of the contracts of a profile: registry, verifier, tpm. */
export function contractsOf(profile) {
  if (!CONTRACTS[profile]) throw new Error(`unknown profile: ${profile}`);
  return CONTRACTS[profile];
}

/** Everything but the proxy. */
async function implement(rpc, profile, options) {
  const names = contractsOf(profile);
  const chain_id = Number(await rpc('eth_chainId'));
  if (chain_id !== 31337 && chain_id !== 1337) throw new Error(`chain ${chain_id} is not a devnet (31337 or 1337)`);
  const artifacts = await build([profile]);
  const [owner] = await rpc('eth_accounts');
  if (!owner) throw new Error('the node has no account of its own to deploy from');

  async function create(name, ...args) {
    const { abi, bytecode } = artifacts[name];
    const receipt = await transact(rpc, { from: owner, data: encodeDeployData({ abi, bytecode, args }) });
    return receipt.contractAddress;
  }
  const calldata = (name, functionName, ...args) =>
    encodeFunctionData({ abi: artifacts[name].abi, functionName, args });

  const tpm = await create(names.tpm, P256_PRECOMPILE);
  const dcap = await create('DevnetDcap');
  const snp = await create('DevnetSnp');
  const workload_verifier = await create(names.verifier, dcap, snp, tpm);
  if (options.reportIdPcr && options.reportIdPcr !== 15) {
    const data = calldata(names.verifier, 'setReportIdPcr', options.reportIdPcr);
    await transact(rpc, { from: owner, to: workload_verifier, data });
  }
  const implementation = await create(names.registry, workload_verifier, ...names.settings(options));
  const setup = calldata(names.registry, 'initialize', ...names.initialize(owner));
  const at = { profile, chain_id, implementation, workload_verifier, tpm, dcap, snp, owner };
  return { at, setup, artifacts, create, calldata };
}

/** Put all contracts up. Returns addresses by role and the owner's. */
export async function deploy(rpc, { profile = 'g1b', registry, ...options } = {}) {
  const { at, setup, artifacts, create } = await implement(rpc, profile, options);
  if (registry) {
    await rpc('anvil_setCode', registry, artifacts.DevnetProxy.deployedBytecode);
    await rpc('anvil_setStorageAt', registry, IMPLEMENTATION_SLOT, '0x' + at.implementation.slice(2).padStart(64, '0'));
    await transact(rpc, { from: at.owner, to: registry, data: setup });
  } else {
    registry = await create('DevnetProxy', at.implementation, setup);
  }
  return { registry, ...at };
}

/** Another implementation behind a proxy that stands already; one that it has to initialize where it can be. */
export async function upgrade(rpc, registry, { profile, ...options }) {
  const { at, setup, calldata } = await implement(rpc, profile, options);
  const data = calldata(contractsOf(profile).registry, 'upgradeToAndCall', at.implementation, profile === 'g1c' ? setup : '0x');
  await transact(rpc, { from: at.owner, to: registry, data });
  return { registry, ...at };
}

async function main() {
  const text = { type: 'string' };
  const { values } = parseArgs({
    options: {
      rpc: text, profile: text, 'report-id-pcr': text, registry: text, upgrade: text, 'wide-chain-id': { type: 'boolean' },
    },
  });
  if (!values.rpc || (values.upgrade && !values.profile)) {
    throw new Error('usage: deploy.mjs --rpc URL [--profile g1a|g1b|g1c] [--report-id-pcr N] [--wide-chain-id]\n'
      + '                         [--registry ADDRESS | --upgrade ADDRESS]');
  }
  const { profile, registry, 'wide-chain-id': wideChainId } = values;
  const reportIdPcr = Number(values['report-id-pcr'] ?? 15);
  const rpc = rpcClient(values.rpc);
  const at = values.upgrade
    ? await upgrade(rpc, values.upgrade, { profile, reportIdPcr, wideChainId })
    : await deploy(rpc, { profile, registry, reportIdPcr, wideChainId });
  console.log(JSON.stringify(at, null, 1));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error) => {
    console.error(`deploy: ${error.message}`);
    process.exitCode = 1;
  });
}
