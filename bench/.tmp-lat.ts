import { spawn } from "node:child_process"; import { once } from "node:events"; import { readFileSync, mkdirSync, rmSync, openSync, closeSync } from "node:fs";
import { connect, StorageType, RetentionPolicy, AckPolicy } from "nats"; import { natsAuth } from "#shared/credentials.ts"; import { withMesh } from "./harness.ts"; import { percentile } from "./figures.ts";
const show = (n: string, s: number[]) => console.log(n.padEnd(38), "p50", percentile(s, .5).toFixed(2), "p90", percentile(s, .9).toFixed(2), "p99", percentile(s, .99).toFixed(2));
const pause = (ms: number) => new Promise((r) => setTimeout(r, ms));
await withMesh({ quick: false, only: [], profiles: null, data: null, note: console.error }, {}, async (mesh) => {
  const nc = await connect({ servers: mesh.nats, ...natsAuth(mesh.credentials) }); const js = nc.jetstream(); const jsm = await nc.jetstreamManager();
  await jsm.streams.add({ name: "J", subjects: ["j"], storage: StorageType.File }); await jsm.streams.add({ name: "T", subjects: ["t"], storage: StorageType.Memory, retention: RetentionPolicy.Workqueue });
  await jsm.consumers.add("T", { durable_name: "c", ack_policy: AckPolicy.Explicit });
  const a: number[] = [], b: number[] = [], c: number[] = [], d: number[] = [], e: number[] = [], f: number[] = [];
  for (let i = 0; i < 200; i++) { const t = performance.now(); await js.publish("j", new Uint8Array(500)); a.push(performance.now() - t); await pause(5); }
  let got = () => {}; const cons = await js.consumers.get("T", "c"); const m = await cons.consume({ max_messages: 100, callback: (x) => { x.ack(); got(); } });
  for (let i = 0; i < 200; i++) { const t = performance.now(); const p = new Promise<void>((r) => { got = r; }); void js.publish("t", new Uint8Array(500)); await p; b.push(performance.now() - t); await pause(5); }
  await m.close();
  const root = `${mesh.home.root}/lat`; mkdirSync(root);
  for (let i = 0; i < 100; i++) { const folder = `${root}/${i}`; mkdirSync(folder);
    const t = performance.timeOrigin + performance.now();
    const out = openSync(`${folder}/out`, "a");
    const p = spawn("/bin/sh", [new URL("../agent/runner/supervise.sh", import.meta.url).pathname, folder, "/bin/bash", "-c", `echo $EPOCHREALTIME`], { env: { LC_ALL: "C", PATH: process.env.PATH }, detached: true, stdio: ["ignore", out, out] });
    const t2 = performance.timeOrigin + performance.now(); closeSync(out); await once(p, "exit");
    c.push(Number(readFileSync(`${folder}/out`, "utf8")) * 1000 - t); d.push(t2 - t); await pause(5); }
  for (let i = 0; i < 100; i++) { const folder = `${root}/${i}`; const t = performance.timeOrigin + performance.now(); const out = openSync(`${folder}/out2`, "a");
    const p = spawn("/bin/bash", ["-c", `echo $EPOCHREALTIME`], { env: { LC_ALL: "C" }, stdio: ["ignore", out, out] }); closeSync(out); await once(p, "exit"); e.push(Number(readFileSync(`${folder}/out2`, "utf8")) * 1000 - t); await pause(5); }
  for (let i = 0; i < 100; i++) { const folder = `${root}/${i}`; const t = performance.timeOrigin + performance.now(); const out = openSync(`${folder}/out3`, "a");
    const p = spawn("/bin/sh", ["-c", "exec date +%s%6N"], { env: { LC_ALL: "C", PATH: process.env.PATH }, stdio: ["ignore", out, out] }); closeSync(out); await once(p, "exit"); f.push(Number(readFileSync(`${folder}/out3`, "utf8")) / 1000 - t); await pause(5); }
  show("journal publish → ack (file, synced)", a); show("task publish → consumer (memory)", b); show("spawn supervise.sh → bash's first", c); show("  of that spawn() itself", d); show("spawn bash → its first", e); show("spawn sh -c exec date", f);
  await nc.close(); rmSync(root, { recursive: true });
});
