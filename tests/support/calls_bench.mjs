// Decoding, measuring and encoding one registration call: our rates against viem's on the same call, in the same run.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeFunctionData, encodeAbiParameters, encodeFunctionData, keccak256, parseAbiParameters } from 'viem'
import * as ev from './evidence.mjs'

const zeros = Buffer.alloc(32)
const measurement = parseAbiParameters('((uint256 index,bytes32 pcr,bytes32[] events,uint256[] idx)[] pcrs,((bytes32,bytes16),(bytes32,bytes16),(bytes32,bytes16),(bytes32,bytes16),(bytes32,bytes16),(bytes32,bytes16)) tdx,((bytes32,bytes16)) snp) m')

/** A Google registration of the usual size: 8000 bytes of quote, nine PCRs, three certificates. */
function registration() {
  const uuid = Buffer.from('0123456789abcdef'), ak = ev.newP256(), key = ev.newP256(), id = ev.identityOf(key)
  const events = [1, 2, 3, 4, 5, 6, 7].map((n) => ev.sha256(`event ${n}`))
  const pcrs = [0, 1, 4, 5, 7, 9, 11, 15, 23].map((index) => ({
    index, value: index === 15 ? ev.sha256(zeros, ev.sha256(uuid)) : index === 1 ? ev.replay(events) : ev.sha256(`pcr ${index}`),
    events: index === 1 ? events : [], measured: index === 1 ? [3, 4, 5] : [], flag: index !== 1 && index !== 15,
  }))
  const extra = Buffer.concat([Buffer.from([0xff]), Buffer.from(ev.identityHash(id).slice(2), 'hex')])
  const quote = ev.tpmQuote({ signer: Buffer.alloc(34), extra, selection: ev.selectionOf(pcrs), digest: ev.digestOf(pcrs) })
  const report = Buffer.concat([ev.tdxQuote({ rtmr3: ev.sha384(Buffer.alloc(48), ev.sha384(uuid)) }), Buffer.alloc(8000)]).subarray(0, 8000)
  const wc = { tpmQuote: ev.hex(quote), tpmSignature: ev.hex(ev.tpmSignature(ak, quote)), pcrs: pcrs.map(ev.pcrArg), reportId: ev.hex(uuid), akPub: '0x', certs: ev.akChain(ak, { rsa: true }).map(ev.hex) }
  return ev.encode('attestCvm', [1, 1, 1, ev.hex(report), id, wc])
}

function rate(work) {
  let best = 0
  for (let round = 0; round < 5; round++) {
    const start = performance.now()
    let n = 0
    do {
      work()
      n++
    } while (performance.now() - start < 250)
    best = Math.max(best, (n * 1000) / (performance.now() - start))
  }
  return best
}

const field = (quote, at) => { const h = quote.slice(2 + 2 * (48 + at), 2 + 2 * (48 + at + 48)); return ['0x' + h.slice(0, 64), '0x' + h.slice(64)] }
const none = ['0x' + '0'.repeat(64), '0x' + '0'.repeat(32)]
function measure(data) {
  const { args } = decodeFunctionData({ abi: ev.registryAbi, data })
  const quote = args[3], wc = args[5]
  const pcrs = wc.pcrs.map((p) => ({ index: p.index, pcr: p.measurePcr ? p.pcr : none[0], events: p.measureEventsIdx.map((i) => p.allEvents[Number(i)]), idx: p.measureEventsIdx }))
  const tdx = [field(quote, 136), field(quote, 16), field(quote, 328), field(quote, 376), field(quote, 424), none]
  return keccak256(encodeAbiParameters(measurement, [{ pcrs, tdx, snp: [none] }]))
}

/** One line of figures for `name`: 'measure' or 'encode'. */
export function bench(name) {
  const data = registration(), dir = mkdtempSync(join(tmpdir(), 'cvm-bench-'))
  process.on('exit', () => rmSync(dir, { recursive: true }))
  const file = join(dir, 'call')
  writeFileSync(file, Buffer.from(data.slice(2), 'hex'))
  const binary = (p) => fileURLToPath(new URL(`../../build/release/${p}`, import.meta.url))
  const ours = execFileSync(binary('calls_bench'), [file], { encoding: 'utf8' }).trim().split(' ').map(Number)[name === 'measure' ? 0 : 1]
  const { args } = decodeFunctionData({ abi: ev.registryAbi, data })
  if (name === 'measure') {
    const said = JSON.parse(execFileSync(binary('cvm-relayer'), ['measure', '--json', file], { encoding: 'utf8' })).hash
    if (said !== measure(data)) throw new Error(`the peer measures ${measure(data)}, we ${said}`)
  } else if (encodeFunctionData({ abi: ev.registryAbi, functionName: 'attestCvm', args }) !== data) throw new Error('the peer encodes another call')
  const peer = rate(name === 'measure' ? () => measure(data) : () => encodeFunctionData({ abi: ev.registryAbi, functionName: 'attestCvm', args }))
  console.log(JSON.stringify({ bench: name, ours, unit: 'calls/s', peer, peer_ratio: ours / peer, bytes: (data.length - 2) / 2 }))
}
