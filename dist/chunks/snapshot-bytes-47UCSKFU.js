import{createRequire as __createRequire}from'node:module';const require=__createRequire(import.meta.url);
import{a,b,c}from"./chunk-5ZAJTAHX.js";import"./chunk-CD7BRZSB.js";export{c as digestOfSnapshot,a as openSnapshotBytes,b as toSnapshotBytes};
