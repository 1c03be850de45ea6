// Compile the devnet contracts offline:  node deploy/devnet/build.mjs
// Writes build/devnet/<Contract>.json ({abi, bytecode, deployedBytecode, storageLayout}). The same sources and the pinned
// compiler give the same bytes; nothing is compiled again while neither has changed.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { npm } from './npm.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
export const outDir = join(here, '../../build/devnet');

const CONTRACTS = [
  'DevnetCVMRegistry', 'DevnetWorkloadVerifier', 'DevnetTpm', 'DevnetDcap', 'DevnetSnp', 'DevnetProxy',
];
const CODE_SIZE_LIMIT = 24576; // EIP-170

// The pipeline and target that the real registry's answers were recorded with: where the language leaves corners open
// (order of ABI checks, panics), the same compiler settles them the same way.
const SETTINGS = {
  optimizer: { enabled: true, runs: 200 },
  viaIR: true,
  evmVersion: 'prague',
  metadata: { bytecodeHash: 'none', appendCBOR: false },
  outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'storageLayout'] } },
};

function readSources() {
  const sources = {};
  for (const dir of ['', 'lib/']) {
    for (const name of readdirSync(join(here, dir)).sort()) {
      if (name.endsWith('.sol')) sources[dir + name] = { content: readFileSync(join(here, dir, name), 'utf8') };
    }
  }
  return sources;
}

function compile(input) {
  const solc = npm('solc');
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const messages = output.errors ?? [];
  for (const message of messages) process.stderr.write(message.formattedMessage);
  if (messages.length > 0) throw new Error('devnet contracts: the compiler had something to say');
  return output.contracts;
}

function artifactOf(contracts, name) {
  for (const file of Object.values(contracts)) {
    const found = file[name];
    if (!found) continue;
    const deployed = '0x' + found.evm.deployedBytecode.object;
    const size = (deployed.length - 2) / 2;
    if (size > CODE_SIZE_LIMIT) throw new Error(`${name}: ${size} bytes of code, ${CODE_SIZE_LIMIT} are allowed`);
    return {
      abi: found.abi,
      bytecode: '0x' + found.evm.bytecode.object,
      deployedBytecode: deployed,
      storageLayout: found.storageLayout.storage.map(({ label, slot }) => ({ label, slot })),
    };
  }
  throw new Error(`${name}: not among the compiled contracts`);
}

function writeWhole(path, text) {
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, text);
  renameSync(temporary, path);
}

/** Build what is out of date. Returns the artifacts by contract name. */
export function build() {
  const input = { language: 'Solidity', sources: readSources(), settings: SETTINGS };
  const compiler = npm('solc/package.json').version;
  const stamp = createHash('sha256').update(compiler + JSON.stringify(input) + CONTRACTS).digest('hex');
  const path = join(outDir, 'artifacts.json');
  try {
    const cached = JSON.parse(readFileSync(path, 'utf8'));
    if (cached.stamp === stamp) return cached.artifacts;
  } catch (error) {
    if (error.code !== 'ENOENT' && !(error instanceof SyntaxError)) throw error;
  }

  const contracts = compile(input);
  const artifacts = Object.fromEntries(CONTRACTS.map((name) => [name, artifactOf(contracts, name)]));
  mkdirSync(outDir, { recursive: true });
  for (const name of CONTRACTS) writeWhole(join(outDir, `${name}.json`), JSON.stringify(artifacts[name], null, 1) + '\n');
  writeWhole(path, JSON.stringify({ stamp, artifacts }));
  return artifacts;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  for (const [name, artifact] of Object.entries(build())) {
    console.log(`${name}: ${(artifact.deployedBytecode.length - 2) / 2} bytes`);
  }
}
