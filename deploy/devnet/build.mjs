// Compile the devnet contracts offline:  node deploy/devnet/build.mjs
// Writes build/devnet/<Contract>.json: abi, bytecode, deployedBytecode, storageLayout. The same sources and the pinned
// compiler give the same bytes; nothing is compiled again while neither has changed.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads';
import { npm } from './npm.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const outDir = join(here, '../../build/devnet');

// One thread each: the JavaScript compiler is slow and has only one. Each is kept on its own, so that a profile costs
// time only where it is asked for.
const GROUPS = {
  g1b: { 'DevnetCVMRegistry.sol': ['DevnetCVMRegistry'] },
  shared: {
    'DevnetWorkloadVerifier.sol': ['DevnetWorkloadVerifier'],
    'DevnetTpm.sol': ['DevnetTpm'],
    'DevnetTee.sol': ['DevnetDcap', 'DevnetSnp'],
    'DevnetPccs.sol': ['DevnetPccs'],
    'DevnetProxy.sol': ['DevnetProxy'],
  },
  g1c: { 'DevnetCVMRegistryG1c.sol': ['DevnetCVMRegistryG1c'] },
  g1a: {
    'DevnetCVMRegistryG1a.sol': ['DevnetCVMRegistryG1a'],
    'DevnetWorkloadVerifierG1a.sol': ['DevnetWorkloadVerifierG1a'],
    'DevnetTpmG1a.sol': ['DevnetTpmG1a'],
  },
};
export const PROFILES = ['g1a', 'g1b', 'g1c'];
const CODE_SIZE_LIMIT = 24576; // EIP-170
const OUTPUTS = ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'storageLayout'];

// The pipeline and target that the real registry's answers were recorded with: where the language leaves corners open
// (order of ABI checks, panics), the same compiler settles them the same way.
const SETTINGS = {
  optimizer: { enabled: true, runs: 200 },
  viaIR: true,
  evmVersion: 'prague',
  metadata: { bytecodeHash: 'none', appendCBOR: false },
};

/** Source texts by path, as the compiler wants them, from these folders. */
export function readSources(...folders) {
  const sources = {};
  for (const dir of folders) {
    for (const name of readdirSync(join(here, dir)).sort()) {
      if (name.endsWith('.sol')) sources[dir + name] = { content: readFileSync(join(here, dir, name), 'utf8') };
    }
  }
  return sources;
}

/** Compile contracts ({ file: [contract] }) out of sources. Warnings are errors. Returns artifacts by contract name. */
export function compile(sources, contracts) {
  const solc = npm('solc');
  const outputSelection = {};
  for (const [file, names] of Object.entries(contracts)) {
    outputSelection[file] = Object.fromEntries(names.map((name) => [name, OUTPUTS]));
  }
  const settings = { ...SETTINGS, outputSelection };
  const output = JSON.parse(solc.compile(JSON.stringify({ language: 'Solidity', sources, settings })));
  const messages = (output.errors ?? []).map(({ formattedMessage }) => formattedMessage);
  if (messages.length > 0) throw new Error(`devnet contracts:\n${messages.join('\n')}`);

  const artifacts = {};
  for (const [file, names] of Object.entries(contracts)) {
    for (const name of names) artifacts[name] = artifactOf(name, output.contracts[file][name]);
  }
  return artifacts;
}

function artifactOf(name, { abi, evm, storageLayout }) {
  const deployedBytecode = '0x' + evm.deployedBytecode.object;
  const size = deployedBytecode.length / 2 - 1;
  if (size > CODE_SIZE_LIMIT) throw new Error(`${name}: ${size} bytes of code, ${CODE_SIZE_LIMIT} are allowed`);
  const slots = storageLayout.storage.map(({ label, slot }) => ({ label, slot }));
  return { abi, bytecode: '0x' + evm.bytecode.object, deployedBytecode, storageLayout: slots };
}

/** Those of the sources that these files are made of: themselves, and what they import. */
function closure(sources, files, found = {}) {
  for (const file of files) {
    if (found[file]) continue;
    found[file] = sources[file];
    const imports = [...sources[file].content.matchAll(/from "([^"]+)"/g)];
    closure(sources, imports.map(([, path]) => posix.join(posix.dirname(file), path)), found);
  }
  return found;
}

function inThread(sources, contracts) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: { sources, contracts } });
    worker.once('message', resolve).once('error', reject);
  });
}

function writeWhole(path, text) {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

async function buildGroup(name, all) {
  const sources = closure(all, Object.keys(GROUPS[name]));
  const compiler = npm('solc/package.json').version;
  const stamp = createHash('sha256').update(JSON.stringify([compiler, SETTINGS, GROUPS[name], sources])).digest('hex');
  const path = join(outDir, `artifacts-${name}.json`);
  try {
    const cached = JSON.parse(readFileSync(path, 'utf8'));
    if (cached.stamp === stamp) return cached.artifacts;
  } catch (error) {
    if (error.code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
  }

  const artifacts = await inThread(sources, GROUPS[name]);
  mkdirSync(outDir, { recursive: true });
  for (const [contract, artifact] of Object.entries(artifacts)) {
    writeWhole(join(outDir, `${contract}.json`), JSON.stringify(artifact, null, 1) + '\n');
  }
  writeWhole(path, JSON.stringify({ stamp, artifacts }));
  return artifacts;
}

/** Build what is out of date for these profiles. Returns the artifacts by contract name. */
export async function build(profiles = ['g1b']) {
  const sources = readSources('', 'base/', 'lib/');
  const names = ['shared', ...new Set(profiles)];
  for (const name of names) if (!GROUPS[name]) throw new Error(`unknown profile: ${name}`);
  return Object.assign({}, ...(await Promise.all(names.map((name) => buildGroup(name, sources)))));
}

if (!isMainThread && workerData?.contracts) {
  parentPort.postMessage(compile(workerData.sources, workerData.contracts));
} else if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [name, { deployedBytecode }] of Object.entries(await build(PROFILES))) {
    console.log(`${name}: ${deployedBytecode.length / 2 - 1} bytes`);
  }
}
