#!/usr/bin/env node
// Our ABI codec against viem and cast: random types and values, encoded by them and decoded by us, encoded by us, and
// random damage that we must refuse or, where we take it, that must be canonical for viem as well.
//   tests/e2e/abi_differential.mjs [--cases N] [--seed S]
import { spawn, execFileSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { encodeAbiParameters, decodeAbiParameters, parseAbiParameters, getAddress } from 'viem'

const top = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const option = (name, standard) => {
  const at = process.argv.indexOf(name)
  return at < 0 ? standard : Number(process.argv[at + 1])
}
const cases = option('--cases', 3000), seed = option('--seed', 1), castCases = 150

let state = BigInt(seed) * 2n + 1n
const random = (n) => {
  state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn
  return Number((state >> 33n) % BigInt(n))
}
const pick = (list) => list[random(list.length)]
const bytes = (n) => '0x' + Array.from({ length: n }, () => random(256).toString(16).padStart(2, '0')).join('')

function type(depth) {
  const kind = random(depth > 3 ? 7 : 10)
  if (kind === 0) return { t: `uint${8 * (1 + random(32))}` }
  if (kind === 1) return { t: `int${8 * (1 + random(32))}` }
  if (kind === 2) return { t: `bytes${1 + random(32)}` }
  if (kind <= 6) return { t: pick(['address', 'bool', 'bytes', 'string']) }
  if (kind === 7) {
    const members = Array.from({ length: 1 + random(4) }, () => type(depth + 1))
    return { t: `(${members.map((m) => m.t).join(',')})`, members }
  }
  const item = type(depth + 1)
  if (kind === 8) return { t: `${item.t}[]`, item }
  const count = 1 + random(3)
  return { t: `${item.t}[${count}]`, item, count }
}

function integer(bits, signed) {
  const size = BigInt(bits - (signed ? 1 : 0))
  const max = (1n << size) - 1n
  const v = pick([0n, 1n, max, max - 1n, BigInt(bytes(32)) & max])
  return signed && random(2) ? -v - 1n : v
}

function value(ty) {
  if (ty.members) return ty.members.map(value)
  if (ty.item) return Array.from({ length: ty.count ?? random(4) }, () => value(ty.item))
  if (ty.t === 'bool') return random(2) === 1
  if (ty.t === 'address') return getAddress(bytes(20))
  if (ty.t === 'bytes') return bytes(pick([0, 1, 31, 32, 33, random(200)]))
  if (ty.t === 'string') return pick(['', 'a', 'Zürich ✓', 'x'.repeat(random(100))])
  if (ty.t.startsWith('bytes')) return bytes(Number(ty.t.slice(5)))
  const bits = Number(ty.t.replace(/^u?int/, ''))
  return integer(bits, ty.t.startsWith('int'))
}

const plain = (v) =>
  Array.isArray(v) ? v.map(plain) : typeof v === 'bigint' ? v.toString() : typeof v === 'number' ? String(v)
    : typeof v === 'string' && v.startsWith('0x') ? v.toLowerCase() : v
const same = (a, b) => JSON.stringify(plain(a)) === JSON.stringify(plain(b))

const tool = spawn(join(top, 'build/debug/abi_tool'), { stdio: ['pipe', 'pipe', 'inherit'] })
const answers = createInterface({ input: tool.stdout })[Symbol.asyncIterator]()
async function ask(types, what) {
  tool.stdin.write(`${types} ${what}\n`)
  const { value: line, done } = await answers.next()
  if (done) throw new Error(`abi_tool ended at ${types} ${what}`)
  return line === 'no' ? null : line.slice(3)
}

function damage(hex) {
  const data = Buffer.from(hex.slice(2), 'hex')
  const words = Math.floor(data.length / 32)
  switch (random(5)) {
    case 0: data[random(data.length)] ^= 1 << random(8); return data
    case 1: return data.subarray(0, random(data.length))
    case 2: return Buffer.concat([data, Buffer.from(bytes(1 + random(40)).slice(2), 'hex')])
    case 3: data.writeUInt32BE(random(256), 32 * random(words) + 28); return data
    default: data.fill(random(2) * 255, 32 * random(words), 32 * random(words) + 32); return data
  }
}

let passed = 0, failed = 0, refused = 0
const check = (ok, what) => {
  if (ok) passed++
  else if (++failed <= 10) console.log(`failed: ${what}`)
}
console.log(`seed ${seed}`)
for (let i = 0; i < cases; i++) {
  const args = Array.from({ length: 1 + random(4) }, () => type(0))
  const types = `(${args.map((a) => a.t).join(',')})`
  const params = parseAbiParameters(args.map((a) => a.t).join(','))
  const values = args.map(value)
  const encoded = encodeAbiParameters(params, values)

  const ours = await ask(types, encoded)
  check(ours !== null && same(JSON.parse(ours), values), `decode ${types} ${encoded}`)
  check((await ask(types, JSON.stringify(plain(values)))) === encoded, `encode ${types} ${JSON.stringify(plain(values))}`)

  const bad = '0x' + damage(encoded).toString('hex')
  const taken = await ask(types, bad)
  let canonical = false
  try {
    canonical = encodeAbiParameters(params, decodeAbiParameters(params, bad)) === bad
  } catch {}
  if (taken === null) refused++
  /* a string that is no UTF-8 is canonical for us and not for viem, which replaces what it cannot read */
  check((taken !== null) === canonical || types.includes('string'), `damaged ${types} ${bad}: ${taken === null ? 'refused' : 'taken'}`)
}

const cast = execFileSync(join(top, 'tests/support/npm-bin'), ['cast'], { encoding: 'utf8' }).trim()
const text = (v) => (Array.isArray(v) ? v : String(v))
for (let i = 0; i < castCases; i++) {
  const words = Array.from({ length: 1 + random(3) }, () => {
    let t = type(9)
    while (t.t === 'string') t = type(9)
    return random(3) ? t : { t: `${t.t}[]`, item: t }
  })
  const values = words.map(value)
  const shown = values.map((v) => (Array.isArray(v) ? `[${v.map(text).join(',')}]` : text(v)))
  const types = words.map((w) => w.t).join(',')
  const theirs = execFileSync(cast, ['abi-encode', `f(${types})`, '--', ...shown], { encoding: 'utf8' }).trim()
  check((await ask(`(${types})`, theirs)) !== null, `cast ${types} ${theirs}`)
  check((await ask(`(${types})`, JSON.stringify(plain(values)))) === theirs, `cast ${types} ${JSON.stringify(plain(values))}`)
}
tool.stdin.end()
console.log(`${cases} types, ${refused} damaged encodings refused`)
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed ? 1 : 0)
