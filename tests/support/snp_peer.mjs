// The npm peer for SEV-SNP (@lit-protocol/sev-snp-utils-sdk), which knows Milan VCEKs alone.
//   snp_peer.mjs check      lines of "REPORT VCEK" (files) on standard input; one line "ok" or "no REASON" each
//   snp_peer.mjs bench REPORT VCEK     microseconds of CPU per verification
import fs from 'node:fs';
import { createRequire } from 'node:module';

const sdk = createRequire(import.meta.url)('@lit-protocol/sev-snp-utils-sdk');
await sdk.initWasmSevSnpUtilsSdk();

const verify = (report, vcek) => sdk.verify_attestation_report(report.toString('base64'), new Uint8Array(vcek));

const [mode, ...files] = process.argv.slice(2);
if (mode === 'bench') {
  const [report, vcek] = files.map((f) => fs.readFileSync(f));
  let best = Infinity;
  for (let round = 0; round < 7; round++) {
    const start = process.cpuUsage();
    for (let i = 0; i < 10; i++) await verify(report, vcek);
    const used = process.cpuUsage(start);
    best = Math.min(best, (used.user + used.system) / 10);
  }
  console.log(best.toFixed(1));
} else {
  for (const line of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
    const [report, vcek] = line.split(' ').map((f) => fs.readFileSync(f));
    try {
      await verify(report, vcek);
      console.log('ok');
    } catch (e) {
      console.log('no ' + String(e).replace(/\s+/g, ' ').slice(0, 100));
    }
  }
}
