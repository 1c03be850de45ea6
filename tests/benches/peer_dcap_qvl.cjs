// Microseconds that @phala/dcap-qvl takes for one verification of the scene in a folder: node peer_dcap_qvl.cjs FOLDER NOW
const fs = require("fs"), path = require("path");
const { QuoteVerifier } = require(path.join(__dirname, "../node_modules/@phala/dcap-qvl"));
const [folder, now] = process.argv.slice(2);
const read = (name) => fs.readFileSync(path.join(folder, name));
const quote = read("quote.bin"), collateral = JSON.parse(read("collateral.json")), verifier = QuoteVerifier.newWithRootCa(read("root.der"));
let least = Infinity;
for (let round = 0; round < 12; round++) {
  const start = process.cpuUsage();
  for (let i = 0; i < 10; i++) if (verifier.verify(quote, collateral, Number(now)).status !== "UpToDate") throw new Error("not UpToDate");
  const used = process.cpuUsage(start);
  least = Math.min(least, (used.user + used.system) / 10);
}
console.log(least);
