import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
import{parentPort as e,workerData as l}from"node:worker_threads";var{module:s,memory:m}=l,{init:b,deflate:y}=new WebAssembly.Instance(s,{env:{memory:m}}).exports;b();e?.on("message",({input:t,blockBytes:o,dictionaryBytes:r,output:a,last:n})=>{e?.postMessage(y(t,o,r,a,n))});
