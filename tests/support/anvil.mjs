// A local chain for a test: its own anvil on a port of its own, stopped by pid.
import { execFileSync, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { rpcClient } from '../../deploy/devnet/deploy.mjs';

const npmBin = fileURLToPath(new URL('npm-bin', import.meta.url));

const running = new Set();
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

/**
 * Start anvil with the rules of the Osaka fork. args: further options of anvil. Returns { url, rpc, pid, stop }; the
 * chain also ends with this process, however that ends.
 */
export async function startAnvil(args = []) {
  const program = execFileSync(npmBin, ['anvil'], { encoding: 'utf8' }).trim();
  const fixed = ['--host', '127.0.0.1', '--port', '0', '--hardfork', 'osaka', '--enable-tx-gas-limit'];
  const child = spawn(program, [...fixed, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  running.add(child);

  const url = await new Promise((resolve, reject) => {
    let seen = '';
    child.once('exit', (code) => reject(new Error(`anvil ended with ${code}: ${seen}`)));
    child.stdout.on('data', (chunk) => {
      seen = (seen + chunk).slice(-10000); // keeps reading: anvil logs every call
      const found = seen.match(/Listening on (\S+:\d+)/);
      if (found) resolve(`http://${found[1]}`);
    });
  });
  const stop = () =>
    new Promise((resolve) => {
      running.delete(child);
      child.removeAllListeners('exit').once('exit', resolve);
      child.kill('SIGTERM');
    });
  return { url, rpc: rpcClient(url), pid: child.pid, stop };
}
