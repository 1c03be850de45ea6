// Deploy a devnet registry through nothing but JSON-RPC:
//   node deploy/devnet/deploy.mjs --rpc URL [--report-id-pcr N] [--registry ADDRESS]
// Prints one JSON object with the addresses. The node signs (its first account, which becomes the owner). --registry
// puts the proxy at a given address instead of a fresh one: anvil only, for evidence that is bound to an address.
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

/** Put all contracts up. Returns addresses by role and the owner's. */
export async function deploy(rpc, { reportIdPcr = 15, registry } = {}) {
  const chain_id = Number(await rpc('eth_chainId'));
  if (chain_id !== 31337 && chain_id !== 1337) throw new Error(`chain ${chain_id} is not a devnet (31337 or 1337)`);
  const artifacts = await build();
  const [owner] = await rpc('eth_accounts');
  if (!owner) throw new Error('the node has no account of its own to deploy from');

  async function create(name, ...args) {
    const { abi, bytecode } = artifacts[name];
    const receipt = await transact(rpc, { from: owner, data: encodeDeployData({ abi, bytecode, args }) });
    return receipt.contractAddress;
  }
  const call = (to, name, functionName, ...args) =>
    transact(rpc, { from: owner, to, data: encodeFunctionData({ abi: artifacts[name].abi, functionName, args }) });

  const tpm = await create('DevnetTpm', P256_PRECOMPILE);
  const dcap = await create('DevnetDcap');
  const snp = await create('DevnetSnp');
  const workload_verifier = await create('DevnetWorkloadVerifier', dcap, snp, tpm);
  if (reportIdPcr !== 15) await call(workload_verifier, 'DevnetWorkloadVerifier', 'setReportIdPcr', reportIdPcr);
  const implementation = await create('DevnetCVMRegistry', workload_verifier);

  if (registry) {
    await rpc('anvil_setCode', registry, artifacts.DevnetProxy.deployedBytecode);
    await rpc('anvil_setStorageAt', registry, IMPLEMENTATION_SLOT, '0x' + implementation.slice(2).padStart(64, '0'));
    await call(registry, 'DevnetCVMRegistry', 'initialize', owner, P256_PRECOMPILE);
  } else {
    const { abi } = artifacts.DevnetCVMRegistry;
    const setup = encodeFunctionData({ abi, functionName: 'initialize', args: [owner, P256_PRECOMPILE] });
    registry = await create('DevnetProxy', implementation, setup);
  }
  return { chain_id, registry, implementation, workload_verifier, tpm, dcap, snp, owner };
}

async function main() {
  const { values } = parseArgs({
    options: { rpc: { type: 'string' }, 'report-id-pcr': { type: 'string' }, registry: { type: 'string' } },
  });
  if (!values.rpc) throw new Error('usage: deploy.mjs --rpc URL [--report-id-pcr N] [--registry ADDRESS]');
  const options = { registry: values.registry };
  if (values['report-id-pcr']) options.reportIdPcr = Number(values['report-id-pcr']);
  console.log(JSON.stringify(await deploy(rpcClient(values.rpc), options), null, 1));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  main().catch((error) => {
    console.error(`deploy: ${error.message}`);
    process.exitCode = 1;
  });
}
