import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
import{a as e}from"./chunks/chunk-K54EXMOJ.js";import"./chunks/chunk-CD7BRZSB.js";import{parentPort as o,workerData as r}from"node:worker_threads";var{module:t,memory:m}=r,l=e(t,m);o?.on("message",a=>o?.postMessage(l(a)));
