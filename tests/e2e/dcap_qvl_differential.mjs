#!/usr/bin/env node
// Ours against @phala/dcap-qvl: on every published vector that carries a full set of collateral, and on thousands of simulated
// platforms with random SVNs. Where the two differ on purpose, the rule is one of `causes`, by the document that says so; the
// same rules, written down here a third time in a few lines, must give what each of the two says.
//   dcap_qvl_differential.mjs [SCENES] [SEED]
import { createRequire } from "node:module";
import { spawn, spawnSync } from "node:child_process";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import readline from "node:readline";
import { fileURLToPath } from "node:url";

const TOP = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
const require = createRequire(path.join(TOP, "tests/package.json"));
const build = path.join(TOP, "build", process.env.CVM_BUILD ?? "release");
const count = Number(process.argv[2] ?? 2000), seed = process.argv[3] ?? "1";
let passed = 0, failed = 0, skipped = 0;
const differs = {};

const fail = (name, why) => { failed++; console.log(`FAILED ${name}: ${why}`); };
const done = () => { console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`); process.exit(failed || !passed ? 1 : 0); };

let QuoteVerifier;
try {
  ({ QuoteVerifier } = require("@phala/dcap-qvl"));
} catch {
  console.log("skipped: @phala/dcap-qvl is not installed (npm ci in tests/)");
  console.log("1 passed, 0 failed, 1 skipped");
  process.exit(0);
}

const causes = {
  module: "QVL 4.1.2.5.2.2: the TDX module's own identity and level count; the peer's 0.3.9 does not know them",
  components: "QVL 4.1.2.5.2.1.3: TDX components 0 and 1 do not count when the module's major version is above 0; the peer compares all 16",
  configuration: "QVL 4.1.2.5.1.3: OutOfDate on a platform that needs configuration is OutOfDateConfigurationNeeded; the peer takes the worse word",
  relaunch: "QVL 4.1.2.5.1.20: TEE_TCB_SVN2 of a TD 1.5 body; the peer does not look at it",
};

// --- the rules, a third time ---
const severity = ["UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate", "OutOfDateConfigurationNeeded", "Revoked"];
const reached = (have, need, from) => need.every((n, i) => i < from || have[i] >= n.svn);
const wantsConfiguration = (s) => ["ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDateConfigurationNeeded"].includes(s);
const outOfDate = (s) => s === "OutOfDate" || s === "OutOfDateConfigurationNeeded";

const findLevel = (info, have, tdx, skip) => info.tcbLevels.find((l) =>
  reached(have.sgx, l.tcb.sgxtcbcomponents, 0) && have.pce >= l.tcb.pcesvn && (!tdx || reached(tdx, l.tcb.tdxtcbcomponents, skip)));
const findQe = (qe, have) => qe.tcbLevels.find((l) => have.qe >= l.tcb.isvsvn);

function byPeersRules(info, qe, have) {
  const platform = findLevel(info, have, have.is_sgx ? null : have.tdx, 0), q = findQe(qe, have);
  if (!platform || !q) return "none";
  const status = severity.indexOf(q.tcbStatus) > severity.indexOf(platform.tcbStatus) ? q.tcbStatus : platform.tcbStatus;
  return status === "Revoked" ? "none" : status;
}

function converge(platform, others) {
  if ([platform, ...others].includes("Revoked")) return "Revoked";
  if (!others.includes("OutOfDate") || outOfDate(platform)) return platform;
  return wantsConfiguration(platform) ? "OutOfDateConfigurationNeeded" : "OutOfDate";
}

function onePass(info, qe, have, tdx) {
  const major = tdx ? tdx[1] : 0;
  const platform = findLevel(info, have, tdx, major > 0 ? 2 : 0), q = findQe(qe, have);
  if (!platform || !q) return null;
  const others = [q.tcbStatus];
  if (major > 0) {
    const m = info.tdxModuleIdentities.find((i) => i.id === `TDX_${major.toString(16).padStart(2, "0").toUpperCase()}`);
    const level = m?.tcbLevels.find((l) => tdx[0] >= l.tcb.isvsvn);
    if (!level) return null;
    others.push(level.tcbStatus);
  }
  return converge(platform.tcbStatus, others);
}

function byIntelsRules(info, qe, have) {
  const launch = onePass(info, qe, have, have.is_sgx ? null : have.tdx);
  if (launch === null || !have.td15 || have.is_sgx) return launch === null || launch === "Revoked" ? "none" : launch;
  const current = onePass(info, qe, have, have.tdx2);
  if (current === null || launch === "Revoked" || current === "Revoked") return "none";
  if (!outOfDate(launch) || outOfDate(current)) return launch;
  return wantsConfiguration(launch) || wantsConfiguration(current) ? "TDRelaunchAdvisedConfigurationNeeded" : "TDRelaunchAdvised";
}

function cause(info, qe, have) {
  if (have.is_sgx) return "configuration";
  const skip = have.tdx[1] > 0 ? 2 : 0;
  if (findLevel(info, have, have.tdx, skip) !== findLevel(info, have, have.tdx, 0)) return "components";
  const launch = onePass(info, qe, have, have.tdx) ?? "none";
  if (have.td15 && byIntelsRules(info, qe, have) !== launch) return "relaunch";
  const level = findLevel(info, have, have.tdx, skip), q = findQe(qe, have);
  return level && q && launch === converge(level.tcbStatus, [q.tcbStatus]) ? "configuration" : "module";
}

const ours = (v) => (v.verdict === "verified" ? v.tcb.status : "none");

function theirs(scene) {
  try {
    const root = Buffer.from(scene.root, "hex");
    return QuoteVerifier.newWithRootCa(root).verify(Buffer.from(scene.quote, "hex"), scene.collateral, scene.now).status;
  } catch (e) {
    return "none";
  }
}

function compare(scene, n) {
  const info = JSON.parse(scene.collateral.tcb_info), qe = JSON.parse(scene.collateral.qe_identity);
  const mine = ours(scene.verdict), peer = theirs(scene);
  if (mine !== byIntelsRules(info, qe, scene.have)) return fail(`scene ${n}`, `ours ${mine}, by Intel's rules ${byIntelsRules(info, qe, scene.have)}`);
  if (peer !== byPeersRules(info, qe, scene.have)) return fail(`scene ${n}`, `the peer says ${peer}, its rules say ${byPeersRules(info, qe, scene.have)}`);
  passed++;
  if (mine !== peer) {
    const why = cause(info, qe, scene.have);
    differs[why] = (differs[why] ?? 0) + 1;
  }
}

async function simulated() {
  const scenes = spawn(path.join(build, "intel_scenes"), [String(count), seed], { stdio: ["ignore", "pipe", "inherit"] });
  let n = 0;
  for await (const line of readline.createInterface({ input: scenes.stdout })) compare(JSON.parse(line), n++);
  if (n !== count) fail("simulated scenes", `${n} of ${count} came`);
}

// --- vectors: the verdicts must agree, but for the causes the manifests themselves name in `oracle` ---
function mutated(data, role, kase) {
  for (const m of kase.mutate ?? []) {
    if (m.input !== role) continue;
    if (m.op === "flip") data[m.offset] ^= 1 << m.bit;
    else if (m.op === "truncate") data = data.subarray(0, m.length);
    else if (m.op === "set") Buffer.from(m.hex, "hex").copy(data, m.offset);
  }
  return data;
}

function asDcapQvl(read) {
  const whole = (role, member) => {
    const text = read(role).toString(), from = text.indexOf(":") + 1, to = text.lastIndexOf(",\"signature\"");
    return [text.slice(from, to), JSON.parse(text).signature];
  };
  const [tcb_info, tcb_info_signature] = whole("tcb_info"), [qe_identity, qe_identity_signature] = whole("qe_identity");
  return { tcb_info, tcb_info_signature, qe_identity, qe_identity_signature, tcb_info_issuer_chain: read("tcb_info_chain").toString(),
    qe_identity_issuer_chain: read("qe_identity_chain").toString(), root_ca_crl: read("root_crl").toString("hex"), pck_crl: read("pck_crl").toString("hex"),
    pck_crl_issuer_chain: read("pck_crl_chain").toString() };
}

function vectors(folder, home) {
  const at = path.join(process.env.CVM_VECTORS ?? path.join(TOP, "../shared/vectors"), folder);
  if (!fs.existsSync(path.join(at, "manifest.json"))) { skipped++; return console.log(`skipped ${folder}: no vectors at ${at}`); }
  for (const kase of JSON.parse(fs.readFileSync(path.join(at, "manifest.json"))).cases) {
    const roles = ["tcb_info", "tcb_info_chain", "qe_identity", "qe_identity_chain", "root_crl", "pck_crl", "pck_crl_chain"];
    if (kase.kind === "cert" || roles.some((r) => !kase.inputs[r])) continue;
    const read = (role) => mutated(fs.readFileSync(path.join(at, role === "file" ? kase.file : kase.inputs[role])), role, kase);
    let collateral, peer;
    try { collateral = asDcapQvl(read); } catch { continue; } // the peer has no words for a document that is none
    try {
      const root = kase.inputs.root ? read("root") : require("@phala/dcap-qvl").constants.TRUSTED_ROOT_CA_DER;
      peer = QuoteVerifier.newWithRootCa(root).verify(read("file"), collateral, Date.parse(kase.verify_at) / 1000).status;
    } catch (e) { peer = "none"; }
    const put = (name, data) => { fs.writeFileSync(path.join(home, name), data); return path.join(home, name); };
    const args = ["verify", "--json", "--offline", "--at", kase.verify_at, "--policy", "authentic", "--collateral", put("c.json", JSON.stringify(collateral)),
      ...(kase.inputs.root ? ["--root", put("root.der", read("root"))] : []), put("evidence.bin", read("file"))];
    const run = spawnSync(path.join(build, "cvm-relayer"), args, { encoding: "utf8", env: { PATH: process.env.PATH, HOME: home } });
    const mine = ours(JSON.parse(run.stdout));
    if (mine === peer) { passed++; continue; }
    // what the peer leaves out or does otherwise, by the vectors' own notes
    const stricter = mine === "none" && /(crl|mismatch|revoked|not_supported|module|chain|version|format|cert_data|debug|signature)/i.test(`${kase.expect.fails} ${kase.id}`);
    const laxer = peer === "none"; // debug, SEPT_VE_DISABLE, TDX components: refused there, reported here
    const convergence = mine !== "none" && peer !== "none" && mine === kase.expect.tcb_status;
    if ((stricter && kase.expect.verdict !== "verified") || (laxer && kase.expect.tcb_status === mine) || convergence) {
      passed++;
      const why = stricter ? "what the peer does not check (CRL dates and signatures, PCE-ID, module)" : laxer ? "what the peer always refuses (debug, SEPT_VE_DISABLE off) or its components rule" : "the peer's convergence";
      differs[why] = (differs[why] ?? 0) + 1;
    } else {
      fail(kase.id, `ours ${mine}, the peer ${peer}, the manifest ${kase.expect.verdict} ${kase.expect.tcb_status ?? kase.expect.fails}`);
    }
  }
}

const home = fs.mkdtempSync(path.join(os.tmpdir(), "cvm-diff-"));
try {
  await simulated();
  vectors("tdx", home);
  vectors("sgx", home);
} finally {
  fs.rmSync(home, { recursive: true });
}
for (const [why, n] of Object.entries(differs)) console.log(`differs on purpose, ${n} times: ${causes[why] ?? why}`);
done();
