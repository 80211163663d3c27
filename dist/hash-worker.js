import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
import{createHash as h}from"node:crypto";import{parentPort as n}from"node:worker_threads";var r=new Map;n?.on("message",({stream:e,memory:t,sizeBytes:o,last:a})=>{let s=r.get(e)??h("sha256");s.update(new Uint8Array(t,0,o)),a?r.delete(e):r.set(e,s),n?.postMessage(a?s.digest("hex"):void 0)});
