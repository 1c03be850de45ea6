#!/usr/bin/env node
// A devnet registry for test drivers in any language: one JSON request per line in, one JSON answer per line out, in
// order; ends with its input.  devnet-serve.mjs [--registry ADDRESS] [--genesis SECONDS]
// The first line out says where things are: {"url", "chain_id", "registry", ...}. Requests:
//   {"op": "ask", "calls": [{"data", "time"}...]}   answers [{"data"} or {"revert"}...], nothing changes
//   {"op": "send", "data", "time"}                  {"success", "events"}; time must grow
//   {"op": "state", "identity", "time"}             what the views say
//   {"op": "nonce", "identity"}                     {"nonce"} from storage
//   {"op": "snapshot"}, {"op": "revert", "id"}      {"id"}, {}
//   {"op": "report-id-pcr", "index"}, {"op": "dcap" or "snp", "mode", "data"}   {}
// A request that cannot be done is answered by {"error"}.
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { startDevnet } from './devnet.mjs';

const { values } = parseArgs({ options: { registry: { type: 'string' }, genesis: { type: 'string' } } });
const options = { registry: values.registry };
if (values.genesis) options.genesis = Number(values.genesis);
const devnet = await startDevnet(options);

const OPERATIONS = {
  ask: ({ calls }) => Promise.all(calls.map(({ data, time }) => devnet.ask(data, time))),
  async send({ data, time }) {
    const receipt = await devnet.send(data, time);
    return { success: receipt.status === '0x1', events: devnet.eventsOf(receipt) };
  },
  state: ({ identity, time }) => devnet.stateOf(identity, time),
  nonce: async ({ identity }) => ({ nonce: String(await devnet.storedNonce(identity)) }),
  snapshot: async () => ({ id: await devnet.snapshot() }),
  async revert({ id }) {
    if (!(await devnet.revert(id))) throw new Error(`no snapshot ${id}`);
    return {};
  },
  'report-id-pcr': async ({ index }) => (await devnet.setReportIdPcr(index), {}),
  dcap: async ({ mode, data }) => (await devnet.setDcapAnswer(mode, data), {}),
  snp: async ({ mode, data }) => (await devnet.setSnpAnswer(mode, data), {}),
};

async function answer(line) {
  const request = JSON.parse(line);
  const operation = OPERATIONS[request.op];
  if (!operation) throw new Error(`unknown op: ${request.op}`);
  return operation(request);
}

const say = (value) => process.stdout.write(JSON.stringify(value) + '\n');
say({ url: devnet.url, ...devnet.at });
for await (const line of createInterface({ input: process.stdin })) {
  say(await answer(line).catch((error) => ({ error: error.message })));
}
await devnet.stop();
