// The same calls by viem, one after another: sent (until the node has it), mined (until the receipt), raw (signed beforehand:
// send and receipt alone, the node's own ceiling). Prints milliseconds for all.
import { createRequire } from 'node:module';
const require = createRequire(new URL('../package.json', import.meta.url));
const { createPublicClient, createWalletClient, http, toHex } = require('viem');
const { privateKeyToAccount } = require('viem/accounts');
const { anvil } = require('viem/chains');

const [url, key, to, countText, mode] = process.argv.slice(2);
const count = Number(countText);
const account = privateKeyToAccount(key);
const transport = http(url);
const wallet = createWalletClient({ account, chain: anvil, transport });
const client = createPublicClient({ chain: anvil, transport });
const base = BigInt(Math.floor(Math.random() * 2 ** 48)) << 8n;
const data = (i) => toHex(base + BigInt(i), { size: 32 });

let raw = [];
if (mode === 'raw') {
  const fees = { maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 10n ** 9n, gas: 60000n, chainId: 31337, type: 'eip1559' };
  for (let i = 0; i < count; i++) raw.push(await account.signTransaction({ ...fees, to, data: data(i), nonce: i }));
}
// waitForTransactionReceipt would wait for the next block's number to change, which costs it more than this.
const mined = async (hash) => {
  while (!(await client.request({ method: 'eth_getTransactionReceipt', params: [hash] })));
};
const start = performance.now();
for (let i = 0; i < count; i++) {
  if (mode === 'raw') {
    const hash = await wallet.sendRawTransaction({ serializedTransaction: raw[i] });
    await mined(hash);
    continue;
  }
  const hash = await wallet.sendTransaction({ to, data: data(i) });
  if (mode === 'mined') await mined(hash);
}
console.log(performance.now() - start);
