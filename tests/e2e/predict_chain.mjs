#!/usr/bin/env node
// predict beside a chain: the state read at one block, the node's own answer to the same call, and the alarm when they differ.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { toHex } from 'viem'
import { deploy } from '../../deploy/devnet/deploy.mjs'
import { startAnvil } from '../support/anvil.mjs'
import * as ev from '../support/evidence.mjs'

const binary = fileURLToPath(new URL('../../build/release/cvm-relayer', import.meta.url))
const dir = mkdtempSync(join(tmpdir(), 'cvm-predict-'))
process.on('exit', () => rmSync(dir, { recursive: true }))
const ak = ev.newP256(), chain = ev.akChain(ak) /* before the chain's first block: it is valid from now on */
const anvil = await startAnvil(['--chain-id', '31337'])
const { registry, owner } = await deploy(anvil.rpc)

let passed = 0, failed = 0
function check(ok, what) {
  if (ok) passed++
  else { failed++; console.log(`failed: ${what}`) }
}

const key = ev.newP256(), zeros = Buffer.alloc(32)
const id = ev.identityOf(key), hash = ev.identityHash(id)
function file(name, data) {
  writeFileSync(join(dir, name), data)
  return join(dir, name)
}
const root = file('root.der', chain[2])

function collaterals(extra) {
  const uuid = Buffer.from('0123456789abcdef')
  const pcrs = [
    { index: 4, value: ev.sha256('a'), events: [], measured: [], flag: true },
    { index: 15, value: ev.sha256(zeros, ev.sha256(uuid)), events: [], measured: [], flag: false },
  ]
  const quote = ev.tpmQuote({ signer: zeros, extra, selection: ev.selectionOf(pcrs), digest: ev.digestOf(pcrs) })
  return {
    quote,
    report: ev.tdxQuote({ rtmr3: ev.sha384(Buffer.alloc(48), ev.sha384(uuid)) }),
    wc: { tpmQuote: ev.hex(quote), tpmSignature: ev.hex(ev.tpmSignature(ak, quote)), pcrs: pcrs.map(ev.pcrArg), reportId: ev.hex(uuid), akPub: '0x', certs: chain.map(ev.hex) },
  }
}
const own = Buffer.concat([Buffer.from([0xff]), Buffer.from(hash.slice(2), 'hex')])

/** The command, its exit status and its JSON. */
async function predict(calldata, ...options) {
  const args = ['predict', '--json', '--state', 'chain', '--compare', '--rpc-url', anvil.url, '--registry', registry, '--ak-root', root,
    '--assume-tee', 'accept', ...options, file('call.hex', calldata)]
  const child = spawn(binary, args, { env: { ...process.env, HOME: dir, XDG_STATE_HOME: dir }, stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err, status] = await Promise.all([read(child.stdout), read(child.stderr), new Promise((r) => child.on('exit', r))])
  return { status, err, doc: out ? JSON.parse(out) : null }
}
async function read(stream) {
  let text = ''
  for await (const part of stream) text += part
  return text
}
async function send(data) {
  const tx = await anvil.rpc('eth_sendTransaction', { from: owner, to: registry, data, gas: toHex(16_000_000) })
  for (let receipt; ; await new Promise((r) => setTimeout(r, 20)))
    if ((receipt = await anvil.rpc('eth_getTransactionReceipt', tx))) return receipt.status === '0x1'
}

const { wc, report } = collaterals(own)
const attest = ev.encode('attestCvm', [1, 1, 1, ev.hex(report), id, wc])
let r = await predict(attest)
check(r.status === 0 && r.doc?.answer === 'success' && r.doc.node?.agrees === true, `attest: ${r.status} ${r.err}`)
const foretold = r.doc?.measurement_hash
check(await send(attest), 'attest mined')

const again = collaterals(own)
const text = (nonce) => ev.message('CVM_WORKLOAD_REATTEST_TPM', 31337n, registry, ev.word(nonce), ev.sha256(again.quote))
const reattest = (nonce) => ev.encode('reattestCvmWithTpm', [hash, ev.hex(ev.signRaw(key, text(nonce))), id, again.wc])
r = await predict(reattest(0))
check(r.status === 0 && r.doc?.node?.agrees === true && r.doc.measurement_hash === foretold, `reattest: ${r.status} ${r.err}`)
r = await predict(reattest(1))
check(r.status === 1 && r.doc?.error === 'INVALID_SIGNATURE()' && r.doc.node?.agrees === true, `reattest with a wrong nonce: ${r.status} ${r.err}`)

const ttl = ev.message('CVM_WORKLOAD_TTL_CONFIG', 31337n, registry, ev.word(0), ev.u64(864000n), ev.u64(864000n))
r = await predict(ev.encode('setCollateralTTL', [hash, 864000n, 864000n, ev.hex(ev.signRaw(key, ttl))]))
check(r.status === 0 && r.doc?.node?.agrees === true && r.doc.state.identities[hash].tee_ttl === 864000, `set-ttl: ${r.status} ${r.err}`)

r = await predict('0x12345678', '--profile', 'g1b')
check(r.status === 1 && r.doc?.error === '(empty)' && r.doc.node?.agrees === true, `no such function: ${r.status} ${r.err}`)

r = await predict(attest, '--report-id-pcr', '16')
check(r.status !== 0 && r.doc?.node?.agrees === false && /not the one we know/.test(r.err), `another contract than we think: ${r.status} ${r.err}`)

await anvil.stop()
r = await predict(attest)
check(r.status === 3 && r.doc?.error?.code === 'net', `no node: ${r.status}`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
