import { spawn } from "node:child_process"; import { once } from "node:events"; import { mkdtempSync, rmSync, readFileSync } from "node:fs";
import { connect, AckPolicy, RetentionPolicy, StorageType } from "nats";
import { startNatsServer } from "./test/support/nats-server.ts"; import { writeCredentials, natsAuth } from "./shared/credentials.ts"; import { resolveHome } from "./shared/home.ts";
import { taskCodec, reportCodec, heartbeatCodec, heartbeatReplyCodec } from "./shared/wire/codec.ts"; import { commandTask, noopTask } from "./test/support/agent-tasks.ts";
import { openLogStore } from "#coordinator/logs/store.ts";
import { startCoordinatorRpc } from "#coordinator/rpc/server.ts";
import { openBlobStore } from "#shared/blobs/store.ts";
const root = mkdtempSync("/tmp/rmbench-"); const s = await startNatsServer(); const home = resolveHome(root); writeCredentials(home, s.credentials);
const nc = await connect({ servers: s.url, ...natsAuth(s.credentials) }); const jsm = await nc.jetstreamManager();
for (const [name, subject] of [["RM_TASKS","rm.task.*"],["RM_REPORTS","rm.report.*"]] as const) await jsm.streams.add({ name, subjects: [subject], retention: RetentionPolicy.Workqueue, storage: StorageType.Memory });
await jsm.consumers.add("RM_REPORTS", { durable_name: "leader", ack_policy: AckPolicy.Explicit, max_ack_pending: 5000 });
const js = nc.jetstream(); await js.views.kv("rm_agents"); await js.views.kv("rm_serving");
const store = await openBlobStore(home.coordinatorBlobs); const logs = openLogStore(home.coordinatorLogs);
const rpc = await startCoordinatorRpc({ host: "127.0.0.1", port: 0, store, logs, credentials: s.credentials, holderAddress: () => null });
let onReport = (_r: any) => {};
await (await js.consumers.get("RM_REPORTS","leader")).consume({ max_messages: 2000, callback: (m) => { onReport(reportCodec.decode(m.data)); m.ack(); } });
nc.subscribe("rm.heartbeat.*", { callback: (_e, m) => { const h = heartbeatCodec.decode(m.data); m.respond(heartbeatReplyCodec.encode({ leaderEpoch: 1, stop: [], settled: h.attempts.filter(a=>a.phase==="finished").map(a=>a.attemptId) })); } });
const agent = spawn(process.execPath, ["agent/main.ts","--home",root,"--nats",s.url,"--coordinator",rpc.address,"--name","box","--grpc-port","0"], { env: { ...process.env, NODE_COMPILE_CACHE: "/tmp/ncc" }, stdio: ["ignore","ignore","inherit","ipc"] });
await once(agent, "message");
const cpu = () => { const f = readFileSync(`/proc/${agent.pid}/stat`,"utf8").split(" "); return (+f[13]! + +f[14]!)/100; };
{ const N = 10; let done = 0; const all = Promise.withResolvers<void>(); onReport = () => { if (++done === N) all.resolve(); };
  const t = performance.now(); const c = cpu(); let inflight: Promise<unknown>[] = [];
  for (let i = 0; i < N; i++) { inflight.push(js.publish("rm.task.box", taskCodec.encode(noopTask(`n${i}`)))); if (inflight.length === 500) { await Promise.all(inflight); inflight = []; } }
  await all.promise; console.log("noop/s", (N/((performance.now()-t)/1000)).toFixed(0), "agent cpu s", (cpu()-c).toFixed(2)); }
await new Promise(r=>setTimeout(r,3000));
{ const N = 150; const lat: number[] = []; 
  for (let i = 0; i < N; i++) { const t = performance.now(); const p = new Promise<void>((r) => { onReport = (rep) => { if (rep.body.kind === "attemptStarted") { lat.push(performance.now()-t); } else r(); }; });
    await nc.publish("rm.task.box", taskCodec.encode(commandTask(`l${i}`, "/bin/true"))); await p; }
  lat.sort((a,b)=>a-b); console.log("task→started report p50", lat[N/2]!.toFixed(2), "p90", lat[Math.floor(N*0.9)]!.toFixed(2)); }
{ const N=400; let done = 0; let sent = 0; const all = Promise.withResolvers<void>(); const W = 8;
  const send = () => { if (sent < N) nc.publish("rm.task.box", taskCodec.encode(commandTask(`t${sent++}`, "/bin/true"))); };
  onReport = (r) => { if (r.body.kind !== "attemptFinished") return; if (r.body.outcome !== "succeeded") console.log(r.body.failure); send(); if (++done === N) all.resolve(); };
  const t = performance.now(); const c = cpu(); for (let i = 0; i < W; i++) send(); await all.promise; console.log("true/s", (N/((performance.now()-t)/1000)).toFixed(0), "agent cpu s", (cpu()-c).toFixed(2)); }
{ const t = performance.now(); const N=300; for (let i = 0; i < N; i++) { const c = spawn("/bin/true", { stdio: "ignore" }); await once(c, "exit"); } console.log("bare node spawn/s", (N/((performance.now()-t)/1000)).toFixed(0)); }
await new Promise(r=>setTimeout(r,4000));
console.log("left", (await import("node:fs")).readdirSync(root+"/agent/attempts").length);
agent.kill(); await once(agent,"exit"); await nc.close(); await rpc.close(); logs.close(); await s.stop(); rmSync(root,{recursive:true}); process.exit(0);
