import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
var r="application/vnd.in-toto+json";function o(t,n){let e=`DSSEv1 ${Buffer.byteLength(t)} ${t} ${n.length} `;return Buffer.concat([Buffer.from(e),n])}export{r as a,o as b};
